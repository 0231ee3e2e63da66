/**
 * What the engine needs to know of one kind. Each file beside this one exports exactly one `KindDefinition`; adding a
 * kind means adding such a file and naming it in `index.ts`, nothing else.
 *
 * All functions are synchronous: the engine's check-validate-allocate-store step must not yield (api-server.md 16.3).
 */
import type { FieldError, KubeObject, NameRule, ResourceInfo } from '#api'
import type { SchemaNode } from '../schema/schema-node.ts'

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

/** Another object that changes in the same commit as the one that is written: an address with its Service. */
export type Companion = {
  readonly info: ResourceInfo
  readonly object: KubeObject
  readonly action: 'write' | 'remove'
}

/** `GET`, `PUT` and `PATCH` of `/scale`: how many there are and should be, in the form of autoscaling/v1 Scale. */
export type ScaleDefinition<T> = {
  readonly read: (object: T) => { readonly wanted: number; readonly actual: number; readonly selector: string }
  readonly write: (object: T, replicas: number) => T
}

/** A kind without objects of its own: another kind's objects under a second name and form. */
export type ViewDefinition<T> = {
  readonly of: ResourceInfo
  readonly fromStored: (stored: KubeObject) => T
  /** `stored`: the version that is replaced. */
  readonly toStored: (object: T, stored: KubeObject | undefined) => KubeObject
}

/** Outcome of a step that may refuse: the engine turns errors into a 422, a `refusal` into that Status. */
export type Admission<T> =
  | {
      readonly object: T
      /** Undoes what `allocate` took; called when the write does not happen. */ readonly rollback?: () => void
      /** Gives back what the old object held; called after the commit. */ readonly commit?: () => void
      readonly also?: readonly Companion[]
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
  readonly nameRule: NameRule
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
   * Everything that is wrong with the object; `defineKind` puts the findings about ObjectMeta first, which are the same
   * for all kinds. `validateUpdate` includes what `validate` checks; it also runs for writes of the status.
   */
  readonly validate: (object: T, context: WriteContext) => readonly FieldError[]
  readonly validateUpdate: (object: T, old: T, context: WriteContext) => readonly FieldError[]
  /** Addresses and ports: runs after validation, inside the write. Absent for kinds without allocation. */
  readonly allocate?: (object: T, old: T | undefined, context: WriteContext) => Admission<T>
  /** Called when an object is really gone from the store. */
  readonly released?: (object: T) => void
  /** What goes in the same commit as the object. */
  readonly removedWith?: (object: T, store: StoreReader) => readonly Companion[]
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
  readonly scale?: ScaleDefinition<T>
  /** Custom kinds: the schema itself, which then has no entry under `schema`. They know no strategic merge patch. */
  readonly structure?: SchemaNode
  /** Custom kinds: reads a body, leaving out what the schema does not know. */
  readonly read?: (
    value: unknown,
  ) => { readonly value: unknown; readonly unknown: readonly string[] } | { readonly problem: string }
  readonly view?: ViewDefinition<T>
  readonly table: TableDefinition<T>
}
