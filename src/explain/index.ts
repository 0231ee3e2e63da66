export type { Rules } from './evaluate-rules.ts'
export type { ExplainInput } from './explain-packet.ts'
export { explainPacket } from './explain-packet.ts'
export type {
  Address,
  ChosenEndpoint,
  Explanation,
  Frontend,
  NameAnswer,
  Path,
  PathStep,
  Question,
  RefusedEndpoint,
} from './explanation.ts'
export type { FormatOptions } from './format-explanation.ts'
export { formatExplanation } from './format-explanation.ts'
export type { HostDumps } from './read-host-facts.ts'
export { hostFactsOf, readHostFacts } from './read-host-facts.ts'
export type { NameFacts } from './answer-in-words.ts'
export type { NameExplanation, NameQuery, NameStep } from './explain-name.ts'
export { explainName } from './explain-name.ts'
export { formatNameExplanation } from './format-name-explanation.ts'
export type { NameResolver } from './name-resolver.ts'
export { parseResolver } from './name-resolver.ts'
