/** A real server on loopback over the fixture cluster. */
import type { EndpointSlice, Namespace, Pod, Service } from '#api'
import { silentLogger, systemClock } from '#lib'
import type { RunDnsOptions, RunningDns } from '../run-dns.ts'
import { runDns } from '../run-dns.ts'
import type { Server } from './dns-client.ts'
import { FIXTURE_NAMESPACES, FIXTURE_PODS, FIXTURE_SERVICES, FIXTURE_SLICES } from './fixture-cluster.ts'
import type { LiteralInformer } from './literal-informer.ts'
import { literalInformer } from './literal-informer.ts'

export type FixtureServer = Server & {
  readonly dns: RunningDns
  readonly informers: {
    readonly services: LiteralInformer<Service>
    readonly endpointSlices: LiteralInformer<EndpointSlice>
    readonly namespaces: LiteralInformer<Namespace>
    readonly pods: LiteralInformer<Pod>
  }
}

export async function startFixture(config: Partial<RunDnsOptions> = {}, synced = true): Promise<FixtureServer> {
  const informers = {
    services: literalInformer(FIXTURE_SERVICES, synced),
    endpointSlices: literalInformer(FIXTURE_SLICES, synced),
    namespaces: literalInformer(FIXTURE_NAMESPACES, synced),
    pods: literalInformer(FIXTURE_PODS, synced),
  }
  const dns = await runDns({
    listen: { addresses: ['127.0.0.1'], port: 0 },
    ...config,
    source: { informers },
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
  })
  const [bound] = dns.bound
  if (bound === undefined) throw new Error('nothing bound')
  return { ...bound, dns, informers }
}
