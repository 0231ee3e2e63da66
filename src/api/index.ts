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
export {
  duplicate,
  forbidden,
  internalError,
  invalid,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from './validation/field-error.ts'
export {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from './validation/config-data.ts'
export {
  validateEndpoints,
  validateEndpointSlice,
  validateEndpointSliceUpdate,
  validateEndpointsUpdate,
} from './validation/endpoints.ts'
export { validateEvent, validateLease } from './validation/event-and-lease.ts'
export { addressProblems, cidrProblems } from './validation/ip-rules.ts'
export { dnsLabel, dnsSubdomain, labelValue, portName, portNumber, qualifiedName } from './validation/name-rules.ts'
export { validateNode, validateNodeUpdate } from './validation/node.ts'
export type { ObjectMetaRules } from './validation/object-meta.ts'
export { validateLabels, validateObjectMeta, validateObjectMetaUpdate } from './validation/object-meta.ts'
export { validatePod, validatePodUpdate } from './validation/pod.ts'
export { validateServiceUpdate } from './validation/service-update.ts'
export { serviceWarnings } from './validation/service-warnings.ts'
export { validateService, validateServiceStatus } from './validation/service.ts'
export { defaultEndpoints, defaultEndpointSlice, defaultNode, defaultSecret } from './defaults/default-objects.ts'
export { defaultPod } from './defaults/default-pod.ts'
export { defaultService } from './defaults/default-service.ts'
