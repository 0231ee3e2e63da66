/** ApiClient over HTTP: paths, queries, bodies and error classes; bytes are `http-transport.ts`. */
import type { Duplex } from 'node:stream'
import type { KubeList, KubeObject, ResourceInfo } from '#api'
import { apiVersionOf, resourcePath } from '#api'
import type { Clock } from '#lib'
import { SignalboxError } from '#lib'
import type { ApiClient, ListOptions, ObjectAddress, PatchType, WatchOptions } from './api-client.ts'
import type { ApiConnection } from './api-connection.ts'
import { classifyFailure } from './classify-status.ts'
import type { TransportRequest } from './http-transport.ts'
import { createTransport } from './http-transport.ts'
import { watchEvents } from './watch-stream.ts'

export type ConnectOptions = {
  readonly clock: Clock
  readonly userAgent?: string
  /** Unix socket to dial instead of the server's host and port; TLS is spoken through it all the same. */
  readonly socketPath?: string
  /** Makes the byte stream to the server, below TLS; wins over `socketPath`. */
  readonly dial?: () => Duplex | Promise<Duplex>
  /** Aborting it ends every request and closes every socket. */
  readonly signal?: AbortSignal
  /** Longest silence of the server before a request fails, milliseconds; 30 s if not given. */
  readonly timeout?: number
  /** Largest answer accepted, bytes; 256 MiB if not given (10,000 slices of 100 endpoints on one page). */
  readonly answerLimit?: number
  /** Largest watch event accepted, bytes; 16 MiB if not given. */
  readonly eventLimit?: number
}

const CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>
type Call = { method: string; path: string; query?: Query; body?: unknown; contentType?: string }

export function connectApi(connection: ApiConnection, options: ConnectOptions): ApiClient {
  const transport = createTransport(connection, {
    ...options,
    userAgent: options.userAgent ?? 'signalbox',
    timeout: options.timeout ?? 30_000,
  })
  const answerLimit = options.answerLimit ?? 256 << 20

  const pathOf = (resource: ResourceInfo, at: Partial<ObjectAddress>): string => {
    const namespace = at.namespace === undefined || at.namespace === '' ? connection.namespace : at.namespace
    return resourcePath(resource, { ...at, ...(resource.namespaced ? { namespace } : {}) })
  }
  const collectionOf = (resource: ResourceInfo, namespace: string | undefined): string =>
    resourcePath(resource, namespace === undefined || namespace === '' ? {} : { namespace })

  const call = async <T>(request: Call): Promise<T> => {
    const path = request.path + queryText(request.query ?? {})
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const sent: TransportRequest = {
      method: request.method,
      path,
      ...(body === undefined ? {} : { body, headers: { 'content-type': request.contentType ?? 'application/json' } }),
    }
    const answer = await transport.exchange(sent, answerLimit)
    if (answer.status < 200 || answer.status > 299) {
      throw classifyFailure({ method: request.method, path, ...answer })
    }
    try {
      return JSON.parse(answer.body) as T
    } catch (error) {
      const message = `${request.method} ${request.path}: the answer is not JSON`
      throw new SignalboxError('SBX_API_REJECTED', message, { facts: { status: answer.status }, cause: error })
    }
  }

  return {
    get: (resource, at) => call({ method: 'GET', path: pathOf(resource, at) }),
    list: async <T extends KubeObject>(resource: ResourceInfo, list: ListOptions = {}) => {
      const { namespace, ...query } = list
      const path = collectionOf(resource, namespace)
      return completeList<T>(resource, await call<KubeList<T>>({ method: 'GET', path, query }))
    },
    create: (resource, object, creation = {}) => {
      const at = creation.subresource === undefined ? placeOf(object) : addressOf(object)
      return call({
        method: 'POST',
        path: pathOf(resource, at) + subresourceOf(creation),
        body: withoutEmptyName(object),
      })
    },
    update: (resource, object, update = {}) => {
      const path = pathOf(resource, addressOf(object)) + subresourceOf(update)
      return call({ method: 'PUT', path, body: object })
    },
    updateStatus: (resource, object) =>
      call({ method: 'PUT', path: `${pathOf(resource, addressOf(object))}/status`, body: object }),
    patch: (resource, at, patch) =>
      call({
        method: 'PATCH',
        path: pathOf(resource, at) + subresourceOf(patch),
        query: {
          fieldManager: patch.fieldManager ?? (patch.type === 'apply' ? 'signalbox' : undefined),
          force: patch.force,
        },
        body: patch.body,
        contentType: CONTENT_TYPES[patch.type],
      }),
    delete: async (resource, at, deletion = {}) => {
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...deletion }
      await call<unknown>({ method: 'DELETE', path: pathOf(resource, at), body })
    },
    watch: (resource, watch, signal) => {
      const path = collectionOf(resource, watch.namespace) + queryText(watchQuery(watch))
      return watchEvents({ transport, path, eventLimit: options.eventLimit ?? 16 << 20 }, signal)
    },
    raw: (path) => transport.exchange({ method: 'GET', path, headers: { accept: '*/*' } }, answerLimit),
  }
}

function watchQuery(watch: WatchOptions): Query {
  return {
    watch: true,
    labelSelector: watch.labelSelector,
    fieldSelector: watch.fieldSelector,
    resourceVersion: watch.resourceVersion,
    allowWatchBookmarks: watch.allowBookmarks,
    timeoutSeconds: watch.timeoutSeconds,
  }
}

function queryText(query: Query): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function subresourceOf(options: { readonly subresource?: string }): string {
  return options.subresource === undefined ? '' : `/${encodeURIComponent(options.subresource)}`
}

function placeOf(object: KubeObject): { namespace?: string } {
  const { namespace } = object.metadata
  return namespace === undefined ? {} : { namespace }
}

function addressOf(object: KubeObject): ObjectAddress {
  return { ...placeOf(object), name: object.metadata.name }
}

/** `generateName` objects carry an empty name here, which not every server takes for an absent one. */
function withoutEmptyName(object: KubeObject): unknown {
  if (object.metadata.name !== '') return object
  const { name: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** Typed lists leave out kind and apiVersion of their items, and a nil Go slice is `null` (api-server.md 2.1). */
function completeList<T extends KubeObject>(resource: ResourceInfo, list: KubeList<T>): KubeList<T> {
  const { kind } = resource
  const apiVersion = apiVersionOf(resource)
  const wire = (list.items ?? []) as readonly (Partial<T> | null)[]
  const items = wire.map((item) =>
    item === null || (item.kind !== undefined && item.apiVersion !== undefined) ? item : { kind, apiVersion, ...item },
  )
  return { ...list, metadata: list.metadata ?? { resourceVersion: '' }, items: items as unknown as readonly T[] }
}
