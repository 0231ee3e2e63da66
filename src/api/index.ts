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
  Deployment,
  DeploymentSpec,
  DeploymentStatus,
  LabelSelector,
  LabelSelectorRequirement,
  PodTemplate,
  ReplicaSet,
  ReplicaSetSpec,
  ReplicaSetStatus,
} from './apps.ts'
export type {
  CustomNames,
  CustomResourceDefinition,
  CustomVersion,
  JsonSchema,
  PrinterColumn,
} from './custom-resource-definition.ts'
export { selectorMatches, selectorText } from './label-selector.ts'
export type {
  Ingress,
  IngressBackend,
  IngressClass,
  IngressPath,
  IngressRule,
  IngressSpec,
  IPAddress,
  ServiceCIDR,
} from './networking.ts'
export type { PolicyRule, Role, RoleBinding } from './rbac.ts'
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
  CLUSTERROLEBINDINGS,
  CLUSTERROLES,
  CONFIGMAPS,
  CUSTOMRESOURCEDEFINITIONS,
  DEPLOYMENTS,
  ENDPOINTS,
  ENDPOINTSLICES,
  EVENTS,
  EVENTS_V1,
  findResource,
  INGRESSCLASSES,
  INGRESSES,
  IPADDRESSES,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  REPLICASETS,
  resourcePath,
  RESOURCES,
  ROLEBINDINGS,
  ROLES,
  SECRETS,
  SERVICECIDRS,
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
export {
  validateCustomResourceDefinition,
  validateCustomResourceDefinitionUpdate,
} from './validation/custom-resource-definition.ts'
export { validateEvent, validateLease } from './validation/event-and-lease.ts'
export { validateEventV1, validateEventV1Update } from './validation/event-v1.ts'
export { validateIngressClass, validateIngressClassUpdate } from './validation/ingress-class.ts'
export { validateIngress, validateIngressUpdate } from './validation/ingress.ts'
export { validateLabelSelector } from './validation/label-selector.ts'
export { RBAC_GROUP, validateRole, validateRoleBinding, validateRoleBindingUpdate } from './validation/rbac.ts'
export {
  validateIPAddress,
  validateIPAddressUpdate,
  validateServiceCIDR,
  validateServiceCIDRUpdate,
} from './validation/service-ranges.ts'
export {
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
} from './validation/workloads.ts'
export { defaultDeployment, defaultReplicaSet } from './defaults/default-apps.ts'
export { defaultIngressClass, defaultRoleBinding } from './defaults/default-rbac.ts'
export { addressProblems, cidrProblems } from './validation/ip-rules.ts'
export { dnsLabel, dnsSubdomain, labelValue, portName, portNumber, qualifiedName } from './validation/name-rules.ts'
export { validateNode, validateNodeUpdate } from './validation/node.ts'
export type { NameRule, ObjectMetaRules } from './validation/object-meta.ts'
export { validateLabels, validateObjectMeta, validateObjectMetaUpdate } from './validation/object-meta.ts'
export { validatePod, validatePodUpdate } from './validation/pod.ts'
export { validateServiceUpdate } from './validation/service-update.ts'
export { serviceWarnings } from './validation/service-warnings.ts'
export { validateService, validateServiceStatus } from './validation/service.ts'
export { defaultEndpoints, defaultEndpointSlice, defaultNode, defaultSecret } from './defaults/default-objects.ts'
export { defaultPod } from './defaults/default-pod.ts'
export { defaultService } from './defaults/default-service.ts'
