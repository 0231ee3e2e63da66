export type { AnswerReason, ClusterResource, PassReason } from './reasons.ts'
export type { PodsMode, RecordOptions, ZoneAnswer, ZoneResult } from './zone-types.ts'
export type { Zone, ZoneOptions } from './zone.ts'
export { createZone } from './zone.ts'
