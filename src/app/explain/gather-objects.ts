/** The objects an explanation is about, from an API server or from manifests. */
import type { ClusterState, EndpointSlice, KubeObject, Node, Pod, ResourceInfo, Service } from '#api'
import { clusterStateOf, ENDPOINTSLICES, NODES, PODS, SERVICES } from '#api'
import type { ApiClient } from '#watch'

export type ClusterObjects = {
  readonly state: ClusterState
  readonly pods: readonly Pod[]
  readonly nodes: readonly Node[]
}

const PAGE = 500

export async function objectsFromApi(client: ApiClient): Promise<ClusterObjects> {
  const [services, slices, pods, nodes] = await Promise.all([
    listAll<Service>(client, SERVICES),
    listAll<EndpointSlice>(client, ENDPOINTSLICES),
    listAll<Pod>(client, PODS),
    listAll<Node>(client, NODES),
  ])
  return { state: clusterStateOf({ services, slices, nodes }), pods, nodes }
}

export function objectsFromManifests(objects: readonly KubeObject[]): ClusterObjects {
  const of = <T extends KubeObject>(kind: string): T[] => objects.filter((object) => object.kind === kind) as T[]
  const nodes = of<Node>('Node')
  const state = clusterStateOf({ services: of<Service>('Service'), slices: of<EndpointSlice>('EndpointSlice'), nodes })
  return { state, pods: of<Pod>('Pod'), nodes }
}

export async function listAll<T extends KubeObject>(client: ApiClient, resource: ResourceInfo): Promise<T[]> {
  const items: T[] = []
  let token: string | undefined
  do {
    const page = await client.list<T>(resource, { limit: PAGE, ...(token === undefined ? {} : { continue: token }) })
    items.push(...page.items)
    token = page.metadata.continue
  } while (token !== undefined && token !== '')
  return items
}
