export type { CorefileConfig, CorefileOptions } from './read-corefile.ts'
export { readCorefile } from './read-corefile.ts'
