/** One informer a kind for all controllers, without what none of them reads. */
import type {
  Endpoints,
  EndpointSlice,
  KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  ResourceInfo,
  Service,
  ServiceAccount,
} from '#api'
import { ENDPOINTS, ENDPOINTSLICES, LEASES, NAMESPACES, NODES, PODS, SERVICEACCOUNTS, SERVICES } from '#api'
import type { Clock, Logger } from '#lib'
import type { ApiClient, Informer } from '#watch'
import { createInformer, trimObject } from '#watch'
import type { SelectionIndex } from './selection-index.ts'
import { createSelectionIndex } from './selection-index.ts'

export type ControllerOptions = {
  readonly client: ApiClient
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly random: () => number
}

export type SharedInformers = {
  readonly services: Informer<Service>
  readonly pods: Informer<Pod>
  readonly nodes: Informer<Node>
  readonly slices: Informer<EndpointSlice>
  readonly endpoints: Informer<Endpoints>
  readonly namespaces: Informer<Namespace>
  readonly serviceAccounts: Informer<ServiceAccount>
  readonly leases: Informer<Lease>
  readonly selection: SelectionIndex
}

/** What every controller is made with. */
export type ControllerContext = ControllerOptions & {
  readonly informers: SharedInformers
  /** All informers are synced: before that, what is not there yet would look deleted. */
  readonly ready: Promise<void>
}

function createSharedInformers(options: ControllerOptions): SharedInformers {
  const informer = <T extends KubeObject>(resource: ResourceInfo, only: { namespace?: string } = {}): Informer<T> =>
    createInformer<T>({ ...options, ...only, resource, transform: trimObject })
  const services = informer<Service>(SERVICES)
  const pods = informer<Pod>(PODS)
  return {
    services,
    pods,
    nodes: informer(NODES),
    slices: informer(ENDPOINTSLICES),
    endpoints: informer(ENDPOINTS),
    namespaces: informer(NAMESPACES),
    serviceAccounts: informer(SERVICEACCOUNTS),
    leases: informer(LEASES, { namespace: 'kube-node-lease' }),
    selection: createSelectionIndex(services, pods),
  }
}

/** Resolves when all are synced; rejects when aborted before. */
async function allSynced(informers: SharedInformers): Promise<void> {
  const { selection: _index, ...rest } = informers
  await Promise.all(Object.values(rest).map((informer) => informer.synced))
}

export function createContext(options: ControllerOptions): ControllerContext {
  const informers = createSharedInformers(options)
  const ready = allSynced(informers)
  ready.catch(() => undefined)
  return { ...options, informers, ready }
}
