/** The connection of a pod that runs with a service account (client-go rest.InClusterConfig). */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { joinHostPort, SignalboxError } from '#lib'
import type { ApiConnection } from './api-connection.ts'
import { tokenFromFile } from './read-token-file.ts'

export type InClusterOptions = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Folder in front of the service account's path; `/` if not given. */
  readonly root?: string
}

/** Throws SBX_KUBECONFIG_NOT_IN_CLUSTER outside of a pod, SBX_KUBECONFIG_UNREADABLE where the account is not mounted. */
export function inClusterConnection(options: InClusterOptions): ApiConnection {
  const host = options.env['KUBERNETES_SERVICE_HOST']
  const port = options.env['KUBERNETES_SERVICE_PORT']
  if (host === undefined || host === '' || port === undefined || !/^\d{1,5}$/.test(port)) {
    throw new SignalboxError(
      'SBX_KUBECONFIG_NOT_IN_CLUSTER',
      'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is not a pod',
    )
  }
  const folder = join(options.root ?? '/', 'var/run/secrets/kubernetes.io/serviceaccount')
  const authorization = tokenFromFile(join(folder, 'token'))
  authorization()
  return {
    server: `https://${joinHostPort(host, Number(port))}`,
    ca: mounted(join(folder, 'ca.crt')),
    authorization,
    namespace: mounted(join(folder, 'namespace'), 'default').trim(),
  }
}

function mounted(path: string, otherwise?: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (otherwise !== undefined) return otherwise
    throw new SignalboxError('SBX_KUBECONFIG_UNREADABLE', `${path} cannot be read`, { cause: error })
  }
}
