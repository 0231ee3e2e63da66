/** Where a box keeps what: the state that survives a restart, and the runtime files that end with the sandbox. */
import { join } from 'node:path'

import { RUNTIME_DIR } from '#lab'

/** In the state folder, which `demo` has on the sandbox's tmpfs and `up` on the host. */
export function stateLayout(stateDir: string): {
  readonly apiServer: string
  readonly tokens: string
  readonly kubeconfig: string
  readonly apiPort: string
  readonly log: string
} {
  return {
    apiServer: join(stateDir, 'apiserver'),
    tokens: join(stateDir, 'tokens.json'),
    kubeconfig: join(stateDir, 'kubeconfig'),
    apiPort: join(stateDir, 'api-port'),
    log: join(stateDir, 'box.log'),
  }
}

/** Inside the sandbox, on its tmpfs. */
export const runtimeLayout = {
  state: join(RUNTIME_DIR, 'state'),
  credentials: join(RUNTIME_DIR, 'credentials'),
  logs: join(RUNTIME_DIR, 'logs'),
} as const

/** The same folder, seen from the host. */
export function runtimeDirFromOutside(hostPid: number): string {
  return join('/proc', String(hostPid), 'root', RUNTIME_DIR)
}

/** The kubeconfig of a role, inside. */
export function credentialPath(role: string): string {
  return join(runtimeLayout.credentials, `${role}.kubeconfig`)
}
