export type { ClusterChange, ClusterState } from './cluster-state.ts'
export { clusterStateOf } from './cluster-state.ts'
export type {
  ConfigMap,
  Event,
  Lease,
  Namespace,
  Node,
  NodeAddress,
  Secret,
  ServiceAccount,
  Taint,
} from './cluster-objects.ts'
export type {
  Endpoint,
  EndpointAddress,
  EndpointConditions,
  EndpointPort,
  Endpoints,
  EndpointSlice,
  EndpointSubset,
} from './endpoints.ts'
export type {
  Condition,
  KubeList,
  KubeObject,
  ListMeta,
  ManagedFieldsEntry,
  ObjectKey,
  ObjectMeta,
  ObjectReference,
  OwnerReference,
  Status,
  StatusCause,
  StatusDetails,
  WatchEvent,
  WatchEventType,
} from './meta.ts'
export { objectKey, splitKey } from './meta.ts'
export type {
  Container,
  ContainerPort,
  ContainerState,
  ContainerStatus,
  EnvVar,
  HttpGetAction,
  Pod,
  PodPhase,
  PodSpec,
  Probe,
} from './pod.ts'
export type { ResourceInfo } from './resources.ts'
export {
  apiVersionOf,
  CONFIGMAPS,
  ENDPOINTS,
  ENDPOINTSLICES,
  EVENTS,
  findResource,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  resourcePath,
  RESOURCES,
  SECRETS,
  SERVICEACCOUNTS,
  SERVICES,
} from './resources.ts'
export type {
  IPFamilyPolicy,
  LoadBalancerIngress,
  Protocol,
  Service,
  ServicePort,
  ServiceSpec,
  ServiceType,
  TrafficPolicy,
} from './service.ts'
export { LABEL_HEADLESS, LABEL_SERVICE_NAME, LABEL_SERVICE_PROXY_NAME } from './service.ts'
export type { FieldError, FieldErrorReason } from './validation/field-error.ts'
export { duplicate, forbidden, invalid, notSupported, required, tooLong, tooMany } from './validation/field-error.ts'
