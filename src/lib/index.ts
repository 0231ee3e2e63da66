export type { BackoffOptions } from './backoff.ts'
export { backoffDelay } from './backoff.ts'
export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export type { ErrorCode, ErrorFacts } from './errors.ts'
export { hasCode, messageOf, SignalboxError } from './errors.ts'
export type { Fraction } from './fraction.ts'
export {
  addFractions,
  compareFractions,
  formatFraction,
  fraction,
  fractionToNumber,
  multiplyFractions,
  oneMinus,
  simplestFractionNear,
} from './fraction.ts'
export { base32Hash } from './hash.ts'
export type { Cidr, Family } from './ip.ts'
export {
  addressToNumber,
  canonicalAddress,
  cidrContains,
  FAMILIES,
  familyOf,
  formatCidr,
  isAddress,
  joinHostPort,
  numberToAddress,
  parseCidr,
} from './ip.ts'
export type { Logger, LogFields } from './logger.ts'
export { silentLogger } from './logger.ts'
export { compareText, sortedBy, sortedEntries, sortedKeys } from './stable-sort.ts'
export type { WorkQueue, WorkQueueOptions } from './work-queue.ts'
export { createWorkQueue } from './work-queue.ts'
