/**
 * What a namespace can hold on this server, from its discovery, so that custom objects count like any other
 * (namespace/deletion of kube-controller-manager). A group that does not answer is an error: what it holds is not known.
 */
import type { ResourceInfo } from '#api'
import { messageOf, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'

type GroupList = {
  readonly groups?: readonly {
    readonly preferredVersion?: { readonly groupVersion: string }
    readonly versions?: readonly { readonly groupVersion: string }[]
  }[]
}
type Listed = {
  readonly name: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
}

/** Each namespaced resource that can be listed and deleted once, in its group's preferred version if it is there. */
export async function discoverNamespaced(client: Pick<ApiClient, 'raw'>): Promise<readonly ResourceInfo[]> {
  const { groups = [] } = await read<GroupList>(client, '/apis')
  const paths = groups.flatMap(({ preferredVersion, versions = [] }) => {
    const all = [preferredVersion, ...versions].flatMap((version) =>
      version === undefined ? [] : [version.groupVersion],
    )
    return [...new Set(all)].map((groupVersion) => `/apis/${groupVersion}`)
  })
  const found = new Map<string, ResourceInfo>()
  for (const path of ['/api/v1', ...paths]) {
    const { resources = [] } = await read<{ readonly resources?: readonly Listed[] }>(client, path)
    const [, , group = '', version = ''] = path.startsWith('/apis/') ? path.split('/') : ['', '', '', 'v1']
    for (const { name, kind, namespaced, verbs } of resources) {
      const key = `${group}/${name}`
      if (!namespaced || name.includes('/') || found.has(key)) continue
      if (!verbs.includes('list') || !verbs.includes('delete')) continue
      const names = { kind, resource: name, singular: kind.toLowerCase(), shortNames: [], categories: [] }
      found.set(key, { group, version, namespaced, ...names })
    }
  }
  return [...found.values()]
}

async function read<T extends object>(client: Pick<ApiClient, 'raw'>, path: string): Promise<T> {
  const { status, body } = await client.raw(path)
  // A definition may go between the two questions, and its group with it.
  if (status === 404) return {} as T
  if (status !== 200) throw new SignalboxError('SBX_API_UNAVAILABLE', `discovery of ${path} answers ${status}`)
  try {
    return JSON.parse(body) as T
  } catch (error) {
    throw new SignalboxError('SBX_API_REJECTED', `discovery of ${path} is not JSON: ${messageOf(error)}`)
  }
}
