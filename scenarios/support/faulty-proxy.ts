/** A running proxy loop over faulty doors and a faulty API, whose cluster is set from outside. */
import type { ClusterState, EndpointSlice, KubeObject, Node, ResourceInfo, Service } from '#api'
import { clusterStateOf, ENDPOINTSLICES, NODES, SERVICES } from '#api'
import * as iptables from '#backends/iptables'
import * as nftables from '#backends/nftables'
import type { Backend } from '#backends/shared'
import type { IptablesDoor, NftablesDoor } from '#kernel'
import type { Family } from '#lib'
import { silentLogger, systemClock } from '#lib'
import type { NodeFacts } from '#model'
import type { RunProxyOptions } from '#proxy'
import { renderClusterProgram, renderNftablesProgram, runProxy } from '#proxy'
import { createFakeApi, watchCluster } from '#watch'

import type { Faults } from './faults.ts'
import { faultyApi, faultyIptables, faultyNftables, hastyClock } from './faults.ts'

export type Cluster = {
  readonly services: readonly Service[]
  readonly slices: readonly EndpointSlice[]
  readonly node: NodeFacts
}

export type FaultyProxy = {
  /** Object by object, in random order, with the history forgotten now and then. */
  set(cluster: Cluster): Promise<void>
  /** Resolves when every family's rules are those of a fresh render of the cluster set last. */
  settled(): Promise<void>
  stop(): Promise<void>
}

export type Doors =
  | { readonly mode: 'iptables'; readonly doors: readonly IptablesDoor[] }
  | { readonly mode: 'nftables'; readonly doors: readonly NftablesDoor[] }

export type FaultyProxyOptions = {
  readonly config: RunProxyOptions<never, never, never, never>['config']
  readonly faults: Faults
}

const PATIENCE = 20_000

export function startFaultyProxy(under: Doors, options: FaultyProxyOptions): FaultyProxy {
  const { faults } = options
  if (under.mode === 'iptables') {
    return start(options, {
      faulty: under.doors.map((door) => iptables.createIptablesBackend(faultyIptables(door, faults))),
      plain: under.doors.map(iptables.createIptablesBackend),
      render: renderClusterProgram,
    })
  }
  return start(options, {
    faulty: under.doors.map((door) => nftables.createNftablesBackend(faultyNftables(door, faults))),
    plain: under.doors.map(nftables.createNftablesBackend),
    render: renderNftablesProgram,
  })
}

type Mode<S, F, T, L> = {
  readonly faulty: readonly Backend<S, F, T, L>[]
  readonly plain: readonly Backend<S, F, T, L>[]
  readonly render: (input: {
    readonly state: ClusterState
    readonly node: NodeFacts
    readonly config: FaultyProxyOptions['config']
    readonly family: Family
  }) => Parameters<Backend<S, F, T, L>['reconcile']>[1]
}

function start<S, F, T, L>({ config, faults }: FaultyProxyOptions, mode: Mode<S, F, T, L>): FaultyProxy {
  const stop = new AbortController()
  const api = createFakeApi({ clock: systemClock })
  let wanted: Cluster | undefined
  let running: Promise<void> | undefined
  const run = (nodeName: string): Promise<void> => {
    const shared = { clock: hastyClock, logger: silentLogger, signal: stop.signal, nodeName }
    const changes = watchCluster({ ...shared, client: faultyApi(api.client, faults), random: faults.random.next })
    return runProxy({ ...shared, changes, config, backends: mode.faulty })
  }
  const differs = async ({ services, slices, node }: Cluster): Promise<string | undefined> => {
    const state = clusterStateOf({ services, slices })
    for (const backend of mode.plain) {
      const program = mode.render({ state, node, config, family: backend.family })
      const { lines } = backend.sizeOf(backend.reconcile(await backend.read(), program))
      if (lines > 0) return `${backend.family}: ${lines} lines differ`
    }
    return undefined
  }
  return {
    set: async (cluster) => {
      wanted = cluster
      await replace(api.client, { resource: NODES, objects: [nodeOf(cluster.node)] }, faults)
      running ??= run(cluster.node.name)
      running.catch(() => undefined)
      await replace(api.client, { resource: SERVICES, objects: cluster.services }, faults)
      if (faults.random.chance(0.1)) api.compact()
      await replace(api.client, { resource: ENDPOINTSLICES, objects: cluster.slices }, faults)
    },
    settled: async () => {
      const deadline = performance.now() + PATIENCE
      for (;;) {
        const found = wanted === undefined ? 'nothing is set' : await differs(wanted)
        if (found === undefined) return
        if (performance.now() > deadline) throw new Error(`not settled in ${PATIENCE} ms: ${found}`)
        await systemClock.sleep(5)
      }
    },
    stop: async () => {
      stop.abort()
      await running
    },
  }
}

/** Objects not in the list are deleted. */
async function replace(
  client: ReturnType<typeof createFakeApi>['client'],
  { resource, objects }: { readonly resource: ResourceInfo; readonly objects: readonly KubeObject[] },
  faults: Faults,
): Promise<void> {
  const { items } = await client.list(resource)
  const known = new Map(items.map((item) => [item.metadata.name, item]))
  const todo: (() => Promise<unknown>)[] = []
  for (const object of objects) {
    const held = known.get(object.metadata.name)
    known.delete(object.metadata.name)
    todo.push(() => (held === undefined ? client.create(resource, object) : client.update(resource, object)))
  }
  for (const { metadata } of known.values()) todo.push(() => client.delete(resource, metadata))
  for (const work of shuffled(todo, faults)) {
    await work()
    if (faults.random.chance(0.3)) await systemClock.sleep(faults.random.below(4))
  }
}

function shuffled<T>(list: readonly T[], { random }: Faults): T[] {
  return list
    .map((item) => ({ item, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

function nodeOf({ name, zone, addresses, podCIDRs }: NodeFacts): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...(zone === undefined ? {} : { labels: { 'topology.kubernetes.io/zone': zone } }) },
    spec: { podCIDRs },
    status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
  }
}
