/** `signalbox proxy`, with kube-proxy's flags. */
import { Command, Option } from 'commander'

import { PROXY_FLAGS } from './proxy-flags.ts'

/** What is not a field of the configuration. */
const OWN = [
  'config',
  'write-config-to',
  'cleanup',
  'init-only',
  'master',
  'node-name',
  'service-cluster-ip-range',
  'healthz-port',
  'metrics-port',
  'v',
] as const
const WITHOUT_EFFECT = ['feature-gates', 'vmodule', 'logging-format', 'log-flush-frequency'] as const

export function proxyCommand(): Command {
  const command = new Command('proxy').description('the proxy of one node: Services into kernel rules')
  for (const [flags, help] of PROXY_FLAGS) command.addOption(new Option(flags, help))
  return command.action(async () => {
    const given = givenFlags(command)
    const own = (name: (typeof OWN)[number]): string | undefined => {
      const value = given.get(name)
      return value === undefined ? undefined : String(value)
    }
    const fields = [...given].filter(([name]) => ![...OWN, ...WITHOUT_EFFECT].includes(name as 'v'))
    const texts = {
      config: own('config'),
      writeConfigTo: own('write-config-to'),
      master: own('master'),
      nodeName: own('node-name'),
      healthzPort: own('healthz-port'),
      metricsPort: own('metrics-port'),
      verbosity: own('v'),
    }
    const { runProxyRole } = await import('#app')
    await runProxyRole({
      ...present(texts),
      flags: Object.fromEntries(fields),
      cleanup: given.has('cleanup'),
      initOnly: given.has('init-only'),
      serviceCidrs: own('service-cluster-ip-range')?.split(',') ?? [],
      withoutEffect: WITHOUT_EFFECT.filter((name) => given.has(name)),
    })
  })
}

/** By name without dashes; commander's camel case would lose it (`nodeport`, `strict-arp`). */
function givenFlags(command: Command): ReadonlyMap<string, string | boolean> {
  const given = new Map<string, string | boolean>()
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    if (typeof value === 'string' || typeof value === 'boolean') given.set(option.name(), value)
  }
  return given
}

function present<T extends Readonly<Record<string, string | undefined>>>(
  values: T,
): { readonly [K in keyof T]?: string } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { readonly [K in keyof T]?: string }
}
