/** What a proxy is to do, from its flags and its KubeProxyConfiguration file (OP-1..OP-10). Starts nothing. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'

import { messageOf, SignalboxError } from '#lib'
import type { Decoded, GivenFlags, KubeProxyConfiguration } from '#proxy'
import {
  applyFlags,
  completeAddresses,
  decodeConfiguration,
  defaultConfiguration,
  ignoredSettings,
  validateConfiguration,
} from '#proxy'

import { DEFAULT_MODE } from '../../modes.ts'

export type ProxyRoleOptions = {
  /** Flags that are fields of the configuration, by name without dashes. */
  readonly flags: GivenFlags
  readonly config?: string
  readonly writeConfigTo?: string
  readonly cleanup: boolean
  readonly initOnly: boolean
  readonly master?: string
  readonly nodeName?: string
  readonly serviceCidrs: readonly string[]
  readonly healthzPort?: string
  readonly metricsPort?: string
  readonly verbosity?: string
  /** Flags that were given and do nothing, by name. */
  readonly withoutEffect: readonly string[]
}

export type ProxySettings = {
  readonly configuration: KubeProxyConfiguration
  /** `auto`, or one that was asked for. */
  readonly mode: string
  readonly nodeName: string
  readonly kubeconfig?: string
  readonly warnings: readonly string[]
}

/** @throws SBX_PROXY_CONFIG, SBX_CLI_USAGE */
export async function loadSettings(options: ProxyRoleOptions): Promise<ProxySettings> {
  const { config } = options
  const base = config === undefined ? withoutFile() : decodeConfiguration(await readConfig(config))
  const decoded = applyFlags(base, options.flags, config !== undefined)
  const completed = completeAddresses(decoded.configuration, decoded.given)
  const configuration = withPorts(completed, options)
  const problems = validateConfiguration(configuration)
  if (problems.length > 0) {
    throw new SignalboxError('SBX_PROXY_CONFIG', `proxy configuration: ${problems.join('; ')}`)
  }
  const mode = configuration.mode === '' ? DEFAULT_MODE : configuration.mode
  const name = [configuration.hostnameOverride, options.nodeName ?? '', hostname()].find((text) => text.trim() !== '')
  const { kubeconfig } = configuration.clientConnection
  return {
    configuration,
    mode,
    // IN-37.
    nodeName: (name ?? '').trim().toLowerCase(),
    ...(kubeconfig === '' ? {} : { kubeconfig }),
    warnings: [
      ...decoded.warnings,
      ...ignoredSettings(decoded, mode),
      ...options.withoutEffect.map((flag) => `--${flag} has no effect`),
      ...nodePortWarnings(configuration, mode),
    ],
  }
}

/** Without a file, health is served on loopback unless a flag says more. */
function withoutFile(): Decoded {
  const decoded = defaultConfiguration()
  return { ...decoded, configuration: { ...decoded.configuration, healthzBindAddress: '127.0.0.1:10256' } }
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new SignalboxError('SBX_PROXY_CONFIG', `proxy configuration: cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** The deprecated flags for the port alone; 0 is off. */
function withPorts(configuration: KubeProxyConfiguration, options: ProxyRoleOptions): KubeProxyConfiguration {
  const move = (bind: string, port: string | undefined): string => {
    if (port === undefined) return bind
    if (!/^\d{1,5}$/.test(port)) throw new SignalboxError('SBX_CLI_USAGE', `"${port}" is not a port`)
    return port === '0' ? '' : bind.replace(/\d+$/, port)
  }
  return {
    ...configuration,
    healthzBindAddress: move(configuration.healthzBindAddress, options.healthzPort),
    metricsBindAddress: move(configuration.metricsBindAddress, options.metricsPort),
  }
}

/** OP-21: an empty list is wide open in iptables mode, and a family without an entry too (TG-25). */
function nodePortWarnings({ nodePortAddresses }: KubeProxyConfiguration, mode: string): readonly string[] {
  if (nodePortAddresses.length === 0) {
    return mode === 'iptables' ? ['nodePortAddresses is not set: node ports answer on all addresses of this node'] : []
  }
  if (nodePortAddresses[0] === 'primary') return []
  const six = nodePortAddresses.filter((cidr) => cidr.includes(':')).length
  const missing = six === 0 ? 'IPv6' : six === nodePortAddresses.length ? 'IPv4' : undefined
  return missing === undefined
    ? []
    : [`nodePortAddresses names no ${missing} range: node ports answer on all ${missing} addresses of this node`]
}
