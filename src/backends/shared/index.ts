export type { Backend, FragmentChange, MissingCapability, Program, ServiceKey, TransactionSize } from './backend.ts'
export { changesBetween } from './backend.ts'
