import type { Topology } from '#lab'

import type { Credentials } from './credentials.ts'
import type { BoxConfig } from './messages.ts'
import type { RoleProcesses } from './role-processes.ts'

/** What the steps of bringing a box up share. */
export type BoxContext = {
  readonly config: BoxConfig
  readonly topology: Topology
  readonly credentials: Credentials
  readonly roles: RoleProcesses
  /** As seen inside. */
  readonly stateDir: string
}
