/** `signalbox dns`: cluster DNS against any API server. */
import { networkInterfaces } from 'node:os'

import { runDns } from '#dns'
import { systemClock } from '#lib'

import { connectRole } from '../connect-role.ts'
import { createLogger } from '../create-logger.ts'
import { stopSignal, untilStopped } from '../stop-signal.ts'

export type DnsRoleOptions = {
  readonly kubeconfig?: string
  readonly zone: string
  readonly reverseCidrs: readonly string[]
  /** Empty: every address of this host that others can use. */
  readonly listen: readonly string[]
  readonly port: number
  readonly upstream: readonly string[]
  readonly healthAddress?: string
}

export async function runDnsRole(options: DnsRoleOptions): Promise<void> {
  const logger = createLogger('dns')
  const signal = stopSignal()
  const client = connectRole({ ...options, component: 'signalbox-dns', clock: systemClock, signal })
  const addresses = options.listen.length === 0 ? ownAddresses() : options.listen
  const running = await runDns({
    source: { client },
    zone: options.zone,
    listen: { addresses, port: options.port },
    ownAddresses: addresses,
    upstreams: options.upstream,
    reverseCidrs: options.reverseCidrs,
    ...(options.healthAddress === undefined ? {} : { healthAddress: options.healthAddress }),
    clock: systemClock,
    logger,
    signal,
  })
  await untilStopped(signal)
  await running.close()
}

/** One socket an address rather than a wildcard: a datagram's answer then leaves from the address that was asked. */
function ownAddresses(): readonly string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const usable = entries.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return usable.length > 0 ? usable.map(({ address }) => address) : ['127.0.0.1']
}
