/** What the handlers of one server share. */
import type { Clock, Logger } from '#lib'
import type { Authorizer, TokenTable } from '../auth/index.ts'
import type { Registry } from '../registry/index.ts'
import type { ExtraResource } from '../schema/index.ts'
import type { AuditLog } from './audit-log.ts'
import type { Limits } from './limits.ts'
import type { OpenWatches } from './stream-watch.ts'

export type ServerContext = {
  readonly registry: Registry
  readonly tokens: TokenTable
  readonly authorizer: Authorizer
  readonly clock: Clock
  readonly logger: Logger
  readonly openWatches: OpenWatches
  readonly limits: Limits
  readonly audit: AuditLog | undefined
  /** Subresources and reviews beyond the stored kinds, for discovery. */
  readonly extraResources: readonly ExtraResource[]
  /** Bearer token for the nodes' log endpoints. */
  readonly nodeToken: string | undefined
  /** False until bootstrap is done and again during shutdown: `/readyz` answers 500 then. */
  readonly isReady: () => boolean
}
