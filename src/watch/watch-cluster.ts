/**
 * Services, their slices and one node as a stream of changes: the first stage of the service path.
 *
 * Nothing is yielded before all three are synced (IN-5): whoever applies the first step may remove what it does not
 * name. Then one step a pull: what became dirty while the consumer was busy comes as one step (IN-20), and a step costs
 * what it touches, the state being a live view.
 */
import type { ClusterChange, ClusterState, EndpointSlice, Node, ObjectKey, Service } from '#api'
import { ENDPOINTSLICES, LABEL_HEADLESS, LABEL_SERVICE_PROXY_NAME, NODES, SERVICES } from '#api'
import type { Clock, Logger } from '#lib'
import { isDeepStrictEqual } from 'node:util'
import type { ApiClient } from './api-client.ts'
import { createInformer } from './create-informer.ts'
import { sameContent } from './same-content.ts'
import { createSliceIndex, ownerOfSlice } from './slice-index.ts'
import { trimNode, trimService, trimSlice } from './trim-object.ts'

export type WatchClusterOptions = {
  readonly client: ApiClient
  /** The node whose labels, addresses and pod CIDRs matter. */
  readonly nodeName: string
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly random?: () => number
}

/** Ends when the signal aborts; leaving the loop stops the watches too. */
export async function* watchCluster(options: WatchClusterOptions): AsyncGenerator<ClusterChange, void, undefined> {
  const { logger, nodeName } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const shared = {
    client: options.client,
    clock: options.clock,
    logger,
    signal,
    ...(options.random === undefined ? {} : { random: options.random }),
  }
  const services = createInformer<Service>({
    ...shared,
    resource: SERVICES,
    labelSelector: `!${LABEL_SERVICE_PROXY_NAME}`,
    fieldSelector: 'spec.clusterIP!=None',
    fieldSelectorOptional: true,
    transform: trimService,
  })
  const slices = createInformer<EndpointSlice>({
    ...shared,
    resource: ENDPOINTSLICES,
    labelSelector: `!${LABEL_HEADLESS}`,
    transform: trimSlice,
  })
  const nodes = createInformer<Node>({
    ...shared,
    resource: NODES,
    fieldSelector: `metadata.name=${nodeName}`,
    transform: trimNode,
  })

  const index = createSliceIndex()
  const state: ClusterState = {
    services: services.items,
    slicesOf: (service) => index.slicesOf(service),
    node: (name) => nodes.get(name),
  }
  const pending = { dirty: new Set<ObjectKey>(), full: true, woken: true }
  let wake = (): void => undefined
  const touch = (): void => {
    pending.woken = true
    wake()
  }

  services.onChange(({ key, before, after }) => {
    if (before !== undefined && after !== undefined && sameContent(before, after)) return
    pending.dirty.add(key)
    touch()
  })
  slices.onChange(({ key, before, after }) => {
    const touched = index.apply(before, after)
    if (after !== undefined && ownerOfSlice(after) === undefined) {
      logger.warn('slice without a service name ignored', { slice: key })
    }
    if (before !== undefined && after !== undefined && sameContent(before, after)) return
    for (const service of touched) pending.dirty.add(service)
    if (touched.length > 0) touch()
  })
  nodes.onChange(({ before, after }) => {
    if (before !== undefined && after !== undefined && sameContent(before, after)) return
    if (!isDeepStrictEqual(nodeInputs(before), nodeInputs(after))) pending.full = true
    touch()
  })

  try {
    await Promise.all([services.synced, slices.synced, nodes.synced])
    while (!signal.aborted) {
      if (!pending.woken) {
        const woken = Promise.withResolvers<void>()
        wake = woken.resolve
        signal.addEventListener('abort', wake, { once: true })
        await woken.promise
        signal.removeEventListener('abort', wake)
        continue
      }
      const change: ClusterChange = { state, dirty: pending.dirty, full: pending.full }
      pending.dirty = new Set()
      pending.full = false
      pending.woken = false
      yield change
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    stop.abort()
  }
}

/** What of the node goes into every service's rules: a difference here means that all are to be made anew (IN-35). */
function nodeInputs(node: Node | undefined): unknown {
  return node === undefined
    ? undefined
    : [node.metadata.labels, node.spec?.podCIDR, node.spec?.podCIDRs, node.status?.addresses]
}
