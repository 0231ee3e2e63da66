export type {
  ApiClient,
  CreateOptions,
  DeleteOptions,
  ListOptions,
  ObjectAddress,
  PatchOptions,
  PatchType,
  UpdateOptions,
  WatchOptions,
} from './api-client.ts'
export type { ApiConnection } from './api-connection.ts'
export type { ConnectOptions } from './connect-api.ts'
export { connectApi } from './connect-api.ts'
export type { InformerOptions } from './create-informer.ts'
export { createInformer } from './create-informer.ts'
export type { InClusterOptions } from './in-cluster-connection.ts'
export { inClusterConnection } from './in-cluster-connection.ts'
export type { FakeApi, FakeWrite } from './fake/create-fake-api.ts'
export { createFakeApi } from './fake/create-fake-api.ts'
export type { Informer, InformerEvent } from './informer-types.ts'
export { loadKubeconfig } from './load-kubeconfig.ts'
export { isOlder } from './resource-version.ts'
export type { SliceIndex } from './slice-index.ts'
export { createSliceIndex, ownerOfSlice } from './slice-index.ts'
export { trimObject } from './trim-object.ts'
export type { WaitOptions } from './wait-for.ts'
export { waitFor } from './wait-for.ts'
export type { WatchClusterOptions } from './watch-cluster.ts'
export { watchCluster } from './watch-cluster.ts'
export type { KubeconfigContent } from './write-kubeconfig.ts'
export { writeKubeconfig } from './write-kubeconfig.ts'
