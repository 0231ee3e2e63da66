export type { FieldRequirement, FieldSelector } from './field-selector.ts'
export { checkFieldSelector, matchesFields, parseFieldSelector, pinnedName } from './field-selector.ts'
export type { LabelRequirement, LabelSelector } from './label-selector.ts'
export { matchesLabels, parseLabelSelector } from './label-selector.ts'
