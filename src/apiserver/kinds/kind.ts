/**
 * What the engine needs to know of one kind. Each file beside this one exports exactly one `KindDefinition`; adding a
 * kind means adding such a file and naming it in `index.ts`, nothing else.
 *
 * All functions are synchronous: the engine's check-validate-allocate-store step must not yield (api-server.md 16.3).
 */
import type { FieldError, KubeObject, ResourceInfo } from '#api'

/** Read access to the store at head, for rules that look beyond the object itself. */
export interface StoreReader {
  get(resource: ResourceInfo, at: { readonly namespace?: string; readonly name: string }): KubeObject | undefined
  list(resource: ResourceInfo, namespace?: string): readonly KubeObject[]
}

export type WriteContext = {
  readonly store: StoreReader
  /** RFC 3339, UTC, second precision. */
  readonly now: string
  readonly dryRun: boolean
  readonly user: { readonly name: string; readonly groups: readonly string[] }
  /** Adds a `Warning: 299` header to the answer. */
  warn(text: string): void
}

/** Outcome of a step that may refuse: the engine turns errors into a 422, a `refusal` into that Status. */
export type Admission<T> =
  | {
      readonly object: T
      /** Undoes what `allocate` took; called when the write does not happen. */ readonly rollback?: () => void
      /** Gives back what the old object held; called after the commit. */ readonly commit?: () => void
    }
  | { readonly errors: readonly FieldError[] }
  | { readonly refusal: { readonly code: number; readonly reason: string; readonly message: string } }

export type TableColumn = {
  readonly name: string
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly description: string
  /** 0: always; 1: only with `-o wide`. */
  readonly priority: number
}

export type TableDefinition<T> = {
  readonly columns: readonly TableColumn[]
  /** One cell a column. `now` is milliseconds since the epoch, for ages. */
  readonly cells: (object: T, now: number) => readonly (string | number | boolean | null)[]
}

export type KindDefinition<T extends KubeObject = KubeObject> = {
  readonly info: ResourceInfo
  /** Component schema in the OpenAPI data, e.g. `io.k8s.api.core.v1.Service`: unknown fields, merge keys, explain. */
  readonly schema: string
  /** Protobuf message, e.g. `k8s.io.api.core.v1.Service`. */
  readonly message: string
  readonly nameRule: 'subdomain' | 'label'
  /** Whether `/status` exists; then `status` in main-resource writes is ignored and vice versa. */
  readonly hasStatus: boolean
  /** Whether `metadata.generation` starts at 1 and grows with each change outside metadata and status. */
  readonly hasGeneration: boolean
  /** EndpointSlice: a change of labels grows the generation too. */
  readonly generationFollowsLabels?: boolean
  /** Sent as `Warning: 299` with every answer about this kind, reads included. */
  readonly deprecationWarning?: string
  /** PUT on a missing object creates it (api-server.md 8). */
  readonly createOnUpdate: boolean
  /** Whether an update without resourceVersion is accepted. */
  readonly unconditionalUpdate: boolean
  /** DELETE answers with the object instead of a Status (api-server.md 8). */
  readonly deleteReturnsObject: boolean
  /** Field selectors beyond metadata.name and metadata.namespace, with the object's values. */
  readonly fields: (object: T) => Readonly<Record<string, string>>
  /** Fills defaults. Must be idempotent. */
  readonly defaults: (object: T) => T
  /** On create, before validation: drop what a client may not set, set initial status. */
  readonly prepareForCreate: (object: T, context: WriteContext) => T
  /**
   * On update of the main resource, before validation: carry over immutable and omitted values from the old object.
   * The engine has put the old status in before (kinds with `hasStatus`) and must keep what comes out, status included:
   * a Service that stops being a LoadBalancer loses its load-balancer status here. Not called for subresources.
   */
  readonly prepareForUpdate: (object: T, old: T, context: WriteContext) => T
  /**
   * What goes beyond ObjectMeta, which is the same for all kinds (`validateObjectMeta`, `validateObjectMetaUpdate` of
   * #api). `validateUpdate` includes what `validate` checks; it also runs for writes of the status.
   */
  readonly validate: (object: T, context: WriteContext) => readonly FieldError[]
  readonly validateUpdate: (object: T, old: T, context: WriteContext) => readonly FieldError[]
  /** Addresses and ports: runs after validation, inside the write. Absent for kinds without allocation. */
  readonly allocate?: (object: T, old: T | undefined, context: WriteContext) => Admission<T>
  /** Called when an object is really gone from the store. */
  readonly released?: (object: T) => void
  /** Called once for each stored object at start, before the first request, to rebuild allocations. */
  readonly restored?: (object: T) => void
  /** Whether DELETE must wait (pods with a node: grace period; namespaces: content). Undefined: delete now. */
  readonly beforeDelete?: (
    object: T,
    options: { readonly gracePeriodSeconds?: number },
    context: WriteContext,
  ) =>
    | { readonly deferred: T }
    | { readonly refusal: { readonly code: number; readonly reason: string; readonly message: string } }
    | undefined
  readonly table: TableDefinition<T>
}
