export type { ModelInput } from './build-service-model.ts'
export { buildServiceModel } from './build-service-model.ts'
export { describeRefusal, describeVerdict, formatServiceModel } from './format.ts'
export type { NodeFacts } from './node-facts.ts'
export { nodeAddressOf, nodeFactsOf } from './node-facts.ts'
export type {
  DiscardedEndpoint,
  EndpointDecision,
  EndpointModel,
  IgnoredSlice,
  Problem,
  ProblemCode,
  RefusalReason,
  ServiceModel,
  ServicePortModel,
  SkipReason,
  TopologyMode,
  Verdict,
} from './types.ts'
