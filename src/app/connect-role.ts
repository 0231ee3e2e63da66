/** The API connection of a role: an explicit kubeconfig, else the service account of the pod it runs in. */
import type { Clock } from '#lib'
import type { ApiClient } from '#watch'
import { connectApi, inClusterConnection, loadKubeconfig } from '#watch'

export type RoleConnection = {
  readonly kubeconfig?: string
  /** URL of the API server, over what the kubeconfig or the pod says. */
  readonly server?: string
  /** Shown to the server as the user agent: `signalbox-proxy`. */
  readonly component: string
  readonly clock: Clock
  readonly signal: AbortSignal
}

export function connectRole(options: RoleConnection): ApiClient {
  const connection =
    options.kubeconfig === undefined
      ? inClusterConnection({ env: process.env })
      : loadKubeconfig({ path: options.kubeconfig })
  const reached = options.server === undefined ? connection : { ...connection, server: options.server }
  return connectApi(reached, { clock: options.clock, userAgent: options.component, signal: options.signal })
}
