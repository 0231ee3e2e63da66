/** Schema facts of the served kinds: merge rules, OpenAPI documents, discovery. */
export type {
  AggregatedDiscovery,
  DiscoveryResource,
  DiscoverySubresource,
  ExtraResource,
  LegacyDiscovery,
  LegacyResource,
} from './discovery.ts'
export { aggregatedDiscovery, legacyDiscovery } from './discovery.ts'
export { openapiV2 } from './openapi-v2.ts'
export type { OpenApiDocument, OpenApiIndex } from './openapi-v3.ts'
export { groupVersionPath, openapiV3Document, openapiV3Index } from './openapi-v3.ts'
export type { ApplyTopology, PatchStrategy } from './patch-strategy.ts'
export { applyTopology, patchStrategy } from './patch-strategy.ts'
export type { GroupVersionKind, MessageFields, SchemaNode } from './schema-data.ts'
export { MESSAGES, nodeAt, PRESENCE, referenceOf, resolveNode, schemaNamed } from './schema-data.ts'
