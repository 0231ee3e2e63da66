/** `signalbox apiserver`: the embedded API server as a process. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

import { runApiServer } from '#apiserver'
import { SignalboxError, systemClock } from '#lib'

import { createLogger } from '../create-logger.ts'
import { stopSignal, untilStopped } from '../stop-signal.ts'

export type ApiServerRoleOptions = {
  readonly stateDir: string
  readonly bindAddress: string
  readonly securePort: number
  readonly advertiseAddresses: readonly string[]
  readonly serviceCidrs: readonly string[]
  /** FIRST-LAST */
  readonly nodePortRange: string
  readonly tokenFile: string
  readonly kubeletTokenFile?: string
  readonly auditLogPath?: string
}

export async function runApiServerRole(options: ApiServerRoleOptions): Promise<void> {
  const logger = createLogger('apiserver')
  const signal = stopSignal()
  const server = await runApiServer({
    stateDir: options.stateDir,
    listen: { host: options.bindAddress, port: options.securePort },
    advertise: { addresses: reachable(options.advertiseAddresses), port: 0 },
    serviceCIDRs: options.serviceCidrs,
    nodePortRange: parseRange(options.nodePortRange),
    tokensFile: options.tokenFile,
    ...(options.kubeletTokenFile === undefined
      ? {}
      : { nodeToken: readFileSync(options.kubeletTokenFile, 'utf8').trim() }),
    ...(options.auditLogPath === undefined ? {} : { auditLogPath: options.auditLogPath }),
    clock: systemClock,
    logger,
  })
  logger.info('serving', { url: server.url, stateDir: options.stateDir })
  await untilStopped(signal)
  await server.close()
}

/**
 * Endpoints of the Service `kubernetes`, which may be neither loopback nor unspecified: as kube-apiserver, the address of an
 * interface stands in.
 */
function reachable(addresses: readonly string[]): readonly string[] {
  const usable = addresses.filter((address) => address !== '' && !/^(127\.|0\.0\.0\.0$|::1?$)/.test(address))
  if (usable.length > 0) return usable
  const outward = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')
  return outward === undefined ? [] : [outward.address]
}

function parseRange(text: string): { first: number; last: number } {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (first >= 1 && last <= 65_535 && first <= last) return { first, last }
  throw new SignalboxError('SBX_CLI_USAGE', `--service-node-port-range takes FIRST-LAST within 1 to 65535, not ${text}`)
}
