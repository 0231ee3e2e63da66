/** The fake's answers to legacy discovery: every kind of `#api`, in the form that clients read it. */
import type { ResourceInfo } from '#api'
import { apiVersionOf, RESOURCES } from '#api'

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

/** The document at the path; undefined if there is none. */
export function fakeDiscovery(path: string): object | undefined {
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf() }
  const groupVersion = path === '/api/v1' ? 'v1' : /^\/apis\/([^/]+\/[^/]+)$/.exec(path)?.[1]
  const resources = RESOURCES.filter((info) => apiVersionOf(info) === groupVersion)
  if (resources.length === 0) return undefined
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.map(entryOf) }
}

function groupsOf(): readonly object[] {
  const named = RESOURCES.filter(({ group }) => group !== '')
  return [...Map.groupBy(named, ({ group }) => group)].map(([name, infos]) => {
    const versions = [...new Set(infos.map(({ version }) => version))].map((version) => ({
      groupVersion: `${name}/${version}`,
      version,
    }))
    return { name, versions, preferredVersion: versions[0] }
  })
}

function entryOf({ resource, singular, kind, namespaced }: ResourceInfo): object {
  return { name: resource, singularName: singular, kind, namespaced, verbs: VERBS }
}
