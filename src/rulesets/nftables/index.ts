export type {
  NftBase,
  NftChain,
  NftChainHeader,
  NftChange,
  NftElement,
  NftFamily,
  NftField,
  NftHook,
  NftKeyPart,
  NftMark,
  NftNatFlag,
  NftNumgen,
  NftRule,
  NftRuleset,
  NftSet,
  NftSetFlag,
  NftSetHeader,
  NftSetReference,
  NftStatement,
  NftTable,
  NftTranslation,
  NftType,
  NftVerdict,
} from './ast.ts'
export { normalizeRule, normalizeTable } from './normalize.ts'
export type { NftProblem, ParsedNftRuleset } from './parse.ts'
export { parseNftRuleset } from './parse.ts'
export { printNftRuleset, printNftTable } from './print.ts'
export { printRule, printStatement } from './print-statement.ts'
export type { ValueType } from './fields.ts'
export { addressFamilyOf, FIELDS, isDeclarable, isField, protocolOf, typeOf, VALUE_WIDTHS } from './fields.ts'
export { demandsTcp, impliedProtocol } from './normalize.ts'
export type { NftLookup } from './lookups.ts'
export { lookupOf, partsOf } from './lookups.ts'
export type { Interval } from './values.ts'
export { parseInterval, parseValue, prefixHostBits, printInterval, printMark, printValue } from './values.ts'
export { createTableChanges } from './table-changes.ts'
export { evaluate } from './evaluate.ts'
export type { NftEvaluation, NftHostFacts, NftOutcome, NftRefusal, NftStep } from './outcome.ts'
