export type { DataplaneConfig, DetectLocalMode } from './config.ts'
export { DEFAULT_DATAPLANE_CONFIG } from './config.ts'
export { formatServicePlan } from './format.ts'
export type { PlanNodeInput } from './plan-node.ts'
export { planNode } from './plan-node.ts'
export { planService } from './plan-service.ts'
export type {
  Destination,
  ExternalSources,
  InternalMasquerade,
  List,
  LocalDetector,
  NodePlan,
  NodePortAddresses,
  Outcome,
  Protocol,
  ServicePlan,
  ServicePortPlan,
} from './types.ts'
