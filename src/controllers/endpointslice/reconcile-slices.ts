/**
 * The slices a Service should have, as changes to those it has (k8s.io/endpointslice reconciler.go; api-server.md 15.1).
 * Pure, and indifferent to the order of its inputs.
 */
import type { Endpoint, EndpointPort, EndpointSlice, Node, Pod, Service } from '#api'
import { objectKey } from '#api'
import type { Family } from '#lib'
import { compareText, familyOf } from '#lib'
import type { EndpointGroup, SliceChanges } from '../shared/pack-slices.ts'
import { packSlices } from '../shared/pack-slices.ts'
import { isFinished } from '../shared/pod-facts.ts'
import { portsKey, resolvePorts } from '../shared/resolve-ports.ts'
import { withTriggerTime } from '../shared/trigger-times.ts'
import { wantsAutomatic } from './assign-hints.ts'
import { podEndpoint } from './pod-endpoint.ts'
import type { HintReport } from './share-endpoints.ts'
import { shareEndpoints } from './share-endpoints.ts'
import { blankSlice, isOwnedBy, relabelled } from './slice-template.ts'
import type { ZoneShares } from './zone-shares.ts'

export type ReconcileInput = {
  readonly service: Service
  /** The pods its selector matches. */
  readonly pods: readonly Pod[]
  readonly node: (name: string) => Node | undefined
  /** Slices this controller manages that are labelled for the Service. */
  readonly existing: readonly EndpointSlice[]
  readonly triggerTime?: string | undefined
  /** For Services that want their endpoints shared among the zones. */
  readonly zones?: ZoneShares
  /** Endpoints a slice; 100 if not given, as in kube-controller-manager. */
  readonly limit?: number
}

export type ReconcileResult = SliceChanges & {
  /** Pods left out because their Node does not exist (yet): to be tried again. */
  readonly withoutNode: readonly Pod[]
  /** How the sharing among zones went, one a family; empty for Services that do not want it. */
  readonly hints: readonly HintReport[]
}

const DEFAULT_LIMIT = 100

export function reconcileSlices(input: ReconcileInput): ReconcileResult {
  const { service, triggerTime } = input
  const families = familiesOf(service)
  const owned = input.existing.filter((slice) => isOwnedBy(slice, service))
  const foreign = input.existing.filter((slice) => !isOwnedBy(slice, service))
  const otherFamily = owned.filter((slice) => !families.some((family) => family === slice.addressType))
  const { pods, withoutNode } = publishedPods(input)

  const changes = families.map((family) =>
    reconcileFamily(
      { ...input, pods },
      family,
      owned.filter((slice) => slice.addressType === family),
    ),
  )
  const stamped = (slice: EndpointSlice): EndpointSlice => ({
    ...slice,
    metadata: withTriggerTime(slice.metadata, triggerTime),
  })
  return {
    create: changes.flatMap(({ create }) => create).map(stamped),
    update: changes.flatMap(({ update }) => update).map(stamped),
    delete: [...foreign, ...otherFamily, ...changes.flatMap((change) => change.delete)],
    withoutNode,
    hints: changes.flatMap(({ report }) => (report === undefined ? [] : [report])),
  }
}

/** Address types of the Service's slices. */
export function familiesOf(service: Service): readonly Family[] {
  const { ipFamilies, clusterIP = '' } = service.spec
  if (ipFamilies !== undefined && ipFamilies !== null && ipFamilies.length > 0) return [...new Set(ipFamilies)]
  return [familyOf(clusterIP) ?? 'IPv4']
}

function publishedPods(input: ReconcileInput): { pods: readonly Pod[]; withoutNode: readonly Pod[] } {
  const living = input.pods
    .filter((pod) => !isFinished(pod) && pod.spec !== undefined)
    .sort((a, b) => compareText(objectKey(a), objectKey(b)))
  if (input.service.spec.publishNotReadyAddresses === true) return { pods: living, withoutNode: [] }
  const hasNode = (pod: Pod): boolean => input.node(pod.spec.nodeName ?? '') !== undefined
  return {
    pods: living.filter(hasNode),
    withoutNode: living.filter((pod) => !hasNode(pod) && pod.status?.podIP !== undefined),
  }
}

function reconcileFamily(
  input: ReconcileInput,
  family: Family,
  existing: readonly EndpointSlice[],
): SliceChanges & { readonly report?: HintReport } {
  const { service, limit = DEFAULT_LIMIT } = input
  const blank = (ports: readonly EndpointPort[]): EndpointSlice => blankSlice(service, family, ports)
  const { groups, ...hints } = shared(input, family, groupByPorts(input, family))
  const changes = packSlices({
    existing,
    groups,
    blank,
    relabel: (slice) => relabelled(slice, service),
    limit,
  })
  const nothingLeft = changes.delete.length === existing.length && changes.create.length === 0
  return { ...(nothingLeft ? withPlaceholder(service, changes, blank([])) : changes), ...hints }
}

/** With hints for the zones, if the Service wants them: all its endpoints of the family together. */
function shared(
  { service, zones }: ReconcileInput,
  family: Family,
  groups: readonly EndpointGroup[],
): { readonly groups: readonly EndpointGroup[]; readonly report?: HintReport } {
  if (zones === undefined || !wantsAutomatic(service)) return { groups }
  const all = groups.flatMap(({ endpoints }) => endpoints)
  const { endpoints, ...rest } = shareEndpoints(all, { zones, family })
  let first = 0
  const hinted = groups.map((group) => {
    const start = first
    first += group.endpoints.length
    return { ...group, endpoints: endpoints.slice(start, first) }
  })
  return { groups: hinted, ...rest }
}

/** A Service without endpoints keeps one empty slice a family, so that "none" and "not yet seen" differ. */
function withPlaceholder(service: Service, changes: SliceChanges, placeholder: EndpointSlice): SliceChanges {
  const [kept, ...rest] = changes.delete
  if (kept === undefined) return { ...changes, create: [placeholder] }
  const isPlaceholder = (kept.endpoints ?? []).length === 0 && (kept.ports ?? []).length === 0
  if (isPlaceholder && relabelled(kept, service) === kept) return { ...changes, delete: rest }
  const update = { ...relabelled(kept, service), endpoints: [], ports: [] }
  return { ...changes, update: [...changes.update, update], delete: rest }
}

function groupByPorts(input: ReconcileInput, family: Family): readonly EndpointGroup[] {
  const { service } = input
  const portless = (service.spec.ports ?? []).length === 0 && service.spec.clusterIP === 'None'
  const groups = new Map<string, { ports: readonly EndpointPort[]; byAddress: Map<string, Endpoint> }>()
  for (const pod of input.pods) {
    const node = input.node(pod.spec.nodeName ?? '')
    const endpoint = podEndpoint({ pod, service, family, node })
    const address = endpoint?.addresses[0]
    if (endpoint === undefined || address === undefined) continue
    const ports = portless ? [] : resolvePorts(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, byAddress: new Map<string, Endpoint>() }
    groups.set(key, group)
    const other = group.byAddress.get(address)
    // Pods of the host network, or a successor with a reused address: one endpoint, the one that works.
    if (other === undefined || rank(endpoint) > rank(other)) group.byAddress.set(address, endpoint)
  }
  return [...groups.values()].map(({ ports, byAddress }) => ({ ports, endpoints: [...byAddress.values()] }))
}

function rank({ conditions }: Endpoint): number {
  if (conditions?.terminating === true) return conditions.serving === true ? 1 : 0
  return conditions?.ready === true ? 3 : 2
}
