/**
 * What every role may ask of a Kubernetes API server. Implemented once over HTTP (`connectApi`); controllers, dns, lab
 * and the command line use nothing else, also when the server is the embedded one.
 *
 * Failures are `SignalboxError`s: SBX_API_NOT_FOUND, SBX_API_CONFLICT, SBX_API_ALREADY_EXISTS, SBX_API_EXPIRED,
 * SBX_API_INVALID, SBX_API_FORBIDDEN, SBX_API_UNAUTHORIZED, SBX_API_UNAVAILABLE (no answer, 429, 5xx) and
 * SBX_API_REJECTED for the rest; `facts.status` is the HTTP status where there was one.
 */
import type { KubeList, KubeObject, ResourceInfo, WatchEvent } from '#api'

export type ObjectAddress = { readonly namespace?: string; readonly name: string }

export type ListOptions = {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly resourceVersion?: string
  readonly limit?: number
  readonly continue?: string
}

export type WatchOptions = Omit<ListOptions, 'limit' | 'continue'> & {
  readonly allowBookmarks?: boolean
  readonly timeoutSeconds?: number
}

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply'

export type PatchOptions = { readonly subresource?: string; readonly fieldManager?: string; readonly force?: boolean }

/** `subresource`: POST to that of the named object instead, for example `binding` of a pod. */
export type CreateOptions = { readonly subresource?: string }

/** `subresource`: PUT there instead, for example `finalize` of a namespace. */
export type UpdateOptions = { readonly subresource?: string }

export type DeleteOptions = {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
}

export interface ApiClient {
  get<T extends KubeObject>(resource: ResourceInfo, at: ObjectAddress): Promise<T>
  list<T extends KubeObject>(resource: ResourceInfo, options?: ListOptions): Promise<KubeList<T>>
  create<T extends KubeObject>(resource: ResourceInfo, object: T, options?: CreateOptions): Promise<T>
  update<T extends KubeObject>(resource: ResourceInfo, object: T, options?: UpdateOptions): Promise<T>
  updateStatus<T extends KubeObject>(resource: ResourceInfo, object: T): Promise<T>
  patch<T extends KubeObject>(
    resource: ResourceInfo,
    at: ObjectAddress,
    patch: { readonly type: PatchType; readonly body: unknown } & PatchOptions,
  ): Promise<T>
  delete(resource: ResourceInfo, at: ObjectAddress, options?: DeleteOptions): Promise<void>
  /**
   * Events after `options.resourceVersion`, until the server ends the stream or the signal aborts (both end the
   * iteration). An ERROR event is thrown as SBX_API_EXPIRED or SBX_API_REJECTED.
   */
  watch<T extends KubeObject>(
    resource: ResourceInfo,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<T>>
  /** A plain GET for `/readyz`, `/version` and the like: status and body text. */
  raw(path: string): Promise<{ readonly status: number; readonly body: string }>
}
