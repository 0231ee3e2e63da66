/**
 * Discovery in both forms (api-server.md 3): the aggregated v2 document that kubectl ≥ 1.30 asks for, and the
 * legacy lists that everything else, and `auth can-i`, still reads.
 */
import { apiVersionOf } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'

const VERBS: readonly string[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
/** Namespaces go one by one (core/rest registers no deletion of the collection). */
const NAMESPACE_VERBS = VERBS.filter((verb) => verb !== 'deletecollection')
const STATUS_VERBS: readonly string[] = ['get', 'patch', 'update']
const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' }

export type DiscoverySubresource = {
  readonly subresource: string
  readonly responseKind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly verbs: readonly string[]
}

export type DiscoveryResource = {
  readonly resource: string
  readonly responseKind: { readonly group: string; readonly version: string; readonly kind: string }
  readonly scope: 'Namespaced' | 'Cluster'
  readonly singularResource: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly subresources?: readonly DiscoverySubresource[]
}

export type AggregatedDiscovery = {
  readonly kind: 'APIGroupDiscoveryList'
  readonly apiVersion: 'apidiscovery.k8s.io/v2'
  readonly metadata: Record<string, never>
  readonly items: readonly {
    readonly metadata: { readonly name?: string }
    readonly versions: readonly {
      readonly version: string
      readonly freshness: 'Current'
      readonly resources: readonly DiscoveryResource[]
    }[]
  }[]
}

export type LegacyResource = {
  readonly name: string
  readonly singularName: string
  readonly namespaced: boolean
  readonly group?: string
  readonly version?: string
  readonly kind: string
  readonly verbs: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

export type LegacyDiscovery = {
  /** `GET /api` */
  readonly api: unknown
  /** `GET /apis` */
  readonly apis: unknown
  /** `GET /apis/<group>`, by group. */
  readonly groups: Readonly<Record<string, unknown>>
  /** `GET /api/v1` and `/apis/<group>/<version>`, by `api/v1` or `apis/<group>/<version>`. */
  readonly resourceLists: Readonly<Record<string, unknown>>
}

/**
 * Resources that have no stored kind: subresources other than `status`, and create-only reviews. The engine names what
 * it serves, so that discovery never promises more.
 */
export type ExtraResource = {
  readonly group: string
  readonly version: string
  /** `pods/log`, `selfsubjectreviews` */
  readonly name: string
  readonly namespaced: boolean
  /** Kind of the body, with its group and version where they differ from the path's. */
  readonly kind: string
  readonly kindGroup?: string
  readonly kindVersion?: string
  readonly singular?: string
  readonly verbs: readonly string[]
}

/** `api`: the body for `GET /api` (core group); `apis`: for `GET /apis` (all others). */
export function aggregatedDiscovery(
  kinds: readonly KindDefinition[],
  extra: readonly ExtraResource[] = [],
): { readonly api: AggregatedDiscovery; readonly apis: AggregatedDiscovery } {
  const groups = groupsOf(kinds, extra)
  const item = ({ group, versions }: Group): AggregatedDiscovery['items'][number] => ({
    metadata: group === '' ? {} : { name: group },
    versions: versions.map((version) => ({
      version,
      freshness: 'Current',
      resources: aggregatedResources(
        kinds.filter((kind) => kind.info.group === group && kind.info.version === version),
        extra.filter((one) => one.group === group && one.version === version),
      ),
    })),
  })
  const list = (chosen: readonly Group[]): AggregatedDiscovery => ({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: chosen.map(item),
  })
  return {
    api: list(groups.filter(({ group }) => group === '')),
    apis: list(groups.filter(({ group }) => group !== '')),
  }
}

export function legacyDiscovery(
  kinds: readonly KindDefinition[],
  extra: readonly ExtraResource[] = [],
): LegacyDiscovery {
  const named = groupsOf(kinds, extra).filter(({ group }) => group !== '')
  const groupBody = ({ group, versions }: Group): Record<string, unknown> => {
    const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
    return { name: group, versions: list, preferredVersion: list[0] }
  }
  return {
    api: { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
    apis: { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(groupBody) },
    groups: Object.fromEntries(
      named.map((group) => [group.group, { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) }]),
    ),
    resourceLists: Object.fromEntries(
      groupsOf(kinds, extra).flatMap(({ group, versions }) =>
        versions.map((version) => {
          const groupVersion = group === '' ? version : `${group}/${version}`
          const resources = [
            ...kinds.filter((kind) => apiVersionOf(kind.info) === groupVersion).flatMap(legacyResources),
            ...extra.filter((one) => one.group === group && one.version === version).map(legacyExtra),
          ].sort((a, b) => (a.name < b.name ? -1 : 1))
          const body = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
          return [group === '' ? `api/${version}` : `apis/${groupVersion}`, body]
        }),
      ),
    ),
  }
}

type Group = { readonly group: string; readonly versions: readonly string[] }

function groupsOf(kinds: readonly KindDefinition[], extra: readonly ExtraResource[]): readonly Group[] {
  const versions = new Map<string, Set<string>>()
  for (const { group, version } of [...kinds.map((kind) => kind.info), ...extra]) {
    versions.set(group, (versions.get(group) ?? new Set()).add(version))
  }
  return [...versions]
    .map(([group, set]) => ({ group, versions: [...set] }))
    .sort((a, b) => (a.group < b.group ? -1 : 1))
}

function aggregatedResources(
  kinds: readonly KindDefinition[],
  extra: readonly ExtraResource[],
): readonly DiscoveryResource[] {
  const stored = kinds.map(({ info, hasStatus, scale }): DiscoveryResource => {
    const responseKind = { group: '', version: '', kind: info.kind }
    const subresources = [
      ...(hasStatus ? [{ subresource: 'status', responseKind, verbs: STATUS_VERBS }] : []),
      ...(scale === undefined ? [] : [{ subresource: 'scale', responseKind: SCALE, verbs: STATUS_VERBS }]),
      ...extra
        .filter((one) => one.name.startsWith(`${info.resource}/`))
        .map((one) => ({
          subresource: one.name.slice(info.resource.length + 1),
          responseKind: extraKind(one),
          verbs: one.verbs,
        })),
    ].sort((a, b) => (a.subresource < b.subresource ? -1 : 1))
    return {
      resource: info.resource,
      responseKind,
      scope: info.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: info.singular,
      verbs: verbsOf(info),
      ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
      ...(info.categories.length > 0 && { categories: info.categories }),
      ...(subresources.length > 0 && { subresources }),
    }
  })
  const free = extra
    .filter((one) => !one.name.includes('/'))
    .map((one): DiscoveryResource => ({
      resource: one.name,
      responseKind: extraKind(one),
      scope: one.namespaced ? 'Namespaced' : 'Cluster',
      singularResource: one.singular ?? one.kind.toLowerCase(),
      verbs: one.verbs,
    }))
  return [...stored, ...free].sort((a, b) => (a.resource < b.resource ? -1 : 1))
}

function verbsOf({ group, resource }: KindDefinition['info']): readonly string[] {
  return group === '' && resource === 'namespaces' ? NAMESPACE_VERBS : VERBS
}

function extraKind(one: ExtraResource): DiscoveryResource['responseKind'] {
  return { group: one.kindGroup ?? '', version: one.kindVersion ?? '', kind: one.kind }
}

function legacyResources({ info, hasStatus, scale }: KindDefinition): readonly LegacyResource[] {
  const main: LegacyResource = {
    name: info.resource,
    singularName: info.singular,
    namespaced: info.namespaced,
    kind: info.kind,
    verbs: verbsOf(info),
    ...(info.shortNames.length > 0 && { shortNames: info.shortNames }),
    ...(info.categories.length > 0 && { categories: info.categories }),
  }
  const { namespaced, kind, resource } = info
  const sub = { singularName: '', namespaced, verbs: STATUS_VERBS }
  return [
    main,
    ...(hasStatus ? [{ ...sub, name: `${resource}/status`, kind }] : []),
    ...(scale === undefined ? [] : [{ ...sub, name: `${resource}/scale`, ...SCALE }]),
  ]
}

function legacyExtra(one: ExtraResource): LegacyResource {
  return {
    name: one.name,
    singularName: one.name.includes('/') ? '' : (one.singular ?? one.kind.toLowerCase()),
    namespaced: one.namespaced,
    kind: one.kind,
    verbs: one.verbs,
    ...(one.kindGroup !== undefined && { group: one.kindGroup }),
    ...(one.kindVersion !== undefined && { version: one.kindVersion }),
  }
}
