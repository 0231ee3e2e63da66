/** Slices that mirror hand-made Endpoints (endpointslicemirroring reconciler; api-server.md 15.4). Pure. */
import type { Endpoint, EndpointAddress, EndpointPort, Endpoints, EndpointSlice, EndpointSubset } from '#api'
import { LABEL_SERVICE_NAME } from '#api'
import type { Family } from '#lib'
import { FAMILIES, familyOf } from '#lib'
import { generateNamePrefix, LABEL_MANAGED_BY } from '../endpointslice/slice-template.ts'
import type { Labels } from '../shared/match-labels.ts'
import type { EndpointGroup, SliceChanges } from '../shared/pack-slices.ts'
import { packSlices } from '../shared/pack-slices.ts'
import { portsKey } from '../shared/resolve-ports.ts'
import { sameLabels } from '../shared/same-labels.ts'
import { TRIGGER_TIME } from '../shared/trigger-times.ts'

export const MIRRORING_CONTROLLER = 'endpointslicemirroring-controller.k8s.io'
const LIMIT = 1000
const NOT_MIRRORED = new Set([TRIGGER_TIME, 'kubectl.kubernetes.io/last-applied-configuration'])

export type MirrorResult = SliceChanges & {
  /** Addresses beyond 1000 a subset. */
  readonly skipped: number
  /** Addresses that are none. */
  readonly invalid: number
}

export function mirrorEndpoints(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorResult {
  const subsets = endpoints.subsets ?? []
  const owned = existing.filter((slice) => isOwned(slice, endpoints))
  const grouped = FAMILIES.map((family) => ({ family, ...groupsOf(subsets, family) }))
  const results = grouped.map(({ family, groups }) =>
    packSlices({
      existing: owned.filter((slice) => slice.addressType === family),
      groups,
      blank: (ports) => mirrorSlice(endpoints, family, ports),
      relabel: (slice) => withMirroredMetadata(slice, endpoints),
      limit: LIMIT,
    }),
  )
  return {
    create: results.flatMap(({ create }) => create),
    update: results.flatMap(({ update }) => update),
    delete: [
      ...existing.filter((slice) => !owned.includes(slice) || !FAMILIES.some((one) => one === slice.addressType)),
      ...results.flatMap((result) => result.delete),
    ],
    skipped: grouped.reduce((sum, { skipped }) => sum + skipped, 0),
    invalid: subsets.flatMap(addressesOf).filter(({ address }) => familyOf(address.ip ?? '') === undefined).length,
  }
}

/** What is told of addresses that are not mirrored, with upstream's reasons. */
export function droppedText({
  skipped,
  invalid,
}: Pick<MirrorResult, 'skipped' | 'invalid'>): readonly { readonly reason: string; readonly message: string }[] {
  const most = `A max of ${LIMIT} addresses can be mirrored to EndpointSlices per Endpoints subset`
  return [
    ...(invalid === 0
      ? []
      : [
          {
            reason: 'InvalidIPAddress',
            message: `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`,
          },
        ]),
    ...(skipped === 0
      ? []
      : [{ reason: 'TooManyAddressesToMirror', message: `${most}. ${skipped} addresses were skipped` }]),
  ]
}

function isOwned(slice: EndpointSlice, endpoints: Endpoints): boolean {
  return (slice.metadata.ownerReferences ?? []).some(({ uid }) => uid === endpoints.metadata.uid)
}

function groupsOf(
  subsets: readonly EndpointSubset[],
  family: Family,
): { readonly groups: readonly EndpointGroup[]; readonly skipped: number } {
  let skipped = 0
  const groups = new Map<string, { ports: readonly EndpointPort[]; byAddress: Map<string, Endpoint> }>()
  for (const subset of subsets) {
    const ports = (subset.ports ?? []).map((port) => ({
      ...port,
      name: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
    }))
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, byAddress: new Map<string, Endpoint>() }
    groups.set(key, group)
    const limit = group.byAddress.size + LIMIT
    for (const { address, ready } of addressesOf(subset)) {
      if (familyOf(address.ip ?? '') !== family || group.byAddress.has(address.ip)) continue
      if (group.byAddress.size >= limit) skipped += 1
      else group.byAddress.set(address.ip, mirrored(address, ready))
    }
  }
  const list = [...groups.values()].map(({ ports, byAddress }) => ({ ports, endpoints: [...byAddress.values()] }))
  return { groups: list, skipped }
}

function addressesOf(subset: EndpointSubset): readonly { address: EndpointAddress; ready: boolean }[] {
  return [
    ...(subset.addresses ?? []).map((address) => ({ address, ready: true })),
    ...(subset.notReadyAddresses ?? []).map((address) => ({ address, ready: false })),
  ]
}

function mirrored(address: EndpointAddress, ready: boolean): Endpoint {
  const { ip, hostname, nodeName, targetRef } = address
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  }
}

function mirrorSlice(endpoints: Endpoints, family: Family, ports: readonly EndpointPort[]): EndpointSlice {
  const { name, namespace, uid = '' } = endpoints.metadata
  const annotations = annotationsOf(endpoints)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: generateNamePrefix(name),
      ...(namespace === undefined ? {} : { namespace }),
      labels: labelsOf(endpoints),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: family,
    endpoints: [],
    ports,
  }
}

function withMirroredMetadata(slice: EndpointSlice, endpoints: Endpoints): EndpointSlice {
  const labels = labelsOf(endpoints)
  const annotations = annotationsOf(endpoints)
  const { metadata } = slice
  if (sameLabels(metadata.labels, labels) && sameLabels(metadata.annotations, annotations)) return slice
  const { annotations: _old, ...rest } = metadata
  const kept = Object.keys(annotations).length === 0 ? rest : { ...rest, annotations }
  return { ...slice, metadata: { ...kept, labels } }
}

function labelsOf(endpoints: Endpoints): Labels {
  return {
    ...endpoints.metadata.labels,
    [LABEL_SERVICE_NAME]: endpoints.metadata.name,
    [LABEL_MANAGED_BY]: MIRRORING_CONTROLLER,
  }
}

function annotationsOf(endpoints: Endpoints): Labels {
  const entries = Object.entries(endpoints.metadata.annotations ?? {}).filter(([key]) => !NOT_MIRRORED.has(key))
  return Object.fromEntries(entries)
}
