export type { ApiServer, ApiServerOptions } from './run-api-server.ts'
export { runApiServer } from './run-api-server.ts'
export type { Advertised } from './bootstrap.ts'
export { firstServiceAddresses } from './bootstrap.ts'
