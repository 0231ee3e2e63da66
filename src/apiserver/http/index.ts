export { EXTRA_RESOURCES } from './extra-resources.ts'
export type { Listener, ListenOptions } from './listen.ts'
export { listen } from './listen.ts'
export type { ServerContext } from './server-context.ts'
