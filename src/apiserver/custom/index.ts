/** Kinds that the cluster learns at run time. */
export { serveCustomKinds } from './serve-custom-kinds.ts'
