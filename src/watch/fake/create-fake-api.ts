/**
 * An API server in a variable, for tests of whatever speaks to an ApiClient: revisions, conflicts, no-op writes,
 * generateName, finalizers, namespaces that terminate, list and watch with selectors. No validation and no defaults.
 */
import { isDeepStrictEqual } from 'node:util'
import type { KubeList, KubeObject, ResourceInfo, WatchEvent } from '#api'
import { apiVersionOf, NAMESPACES, objectKey } from '#api'
import type { Clock, ErrorCode } from '#lib'
import { SignalboxError } from '#lib'
import type { ApiClient, CreateOptions, ListOptions, ObjectAddress } from '../api-client.ts'
import { createFakePages } from './fake-pages.ts'
import { FakeStore } from './fake-store.ts'
import { mergePatch } from './merge-patch.ts'
import { fakeDiscovery } from './fake-discovery.ts'

export type FakeWrite = {
  readonly verb: 'create' | 'update' | 'delete'
  readonly resource: string
  readonly key: string
}

export interface FakeApi {
  readonly client: ApiClient
  /** Every write that changed something, oldest first. */
  readonly writes: FakeWrite[]
  /** Fails the next writes with this code, one each. */
  failWrites(code: ErrorCode, times: number): void
  /** Forgets the history: watches from before now are answered with 410. */
  compact(): void
  /** Ends all watches, as a server that restarts. */
  dropWatches(): void
}

export function createFakeApi(options: { readonly clock: Clock }): FakeApi {
  const store = new FakeStore()
  const writes: FakeWrite[] = []
  const failures: ErrorCode[] = []
  const pages = createFakePages()
  let serial = 0

  const now = (): string => new Date(options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  const keyOf = (resource: ResourceInfo, at: ObjectAddress): string =>
    resource.namespaced ? `${at.namespace ?? 'default'}/${at.name}` : at.name
  const addressOf = (object: KubeObject): ObjectAddress => object.metadata
  const find = <T>(resource: ResourceInfo, at: ObjectAddress): T => {
    const found = store.get(resource, keyOf(resource, at))
    if (found === undefined) throw failure('SBX_API_NOT_FOUND', 404, `${resource.resource} "${at.name}" not found`)
    return found as T
  }
  const commit = (
    resource: ResourceInfo,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
  ): KubeObject => {
    const verb = before === undefined ? 'create' : after === undefined ? 'delete' : 'update'
    writes.push({ verb, resource: resource.resource, key: objectKey((after ?? before) as KubeObject) })
    return store.commit(resource, before, after)
  }
  const admit = (): void => {
    const code = failures.shift()
    if (code !== undefined) throw failure(code, 0, 'injected')
  }

  const create = <T extends KubeObject>(resource: ResourceInfo, object: T): T => {
    admit()
    serial += 1
    const { generateName, name } = object.metadata
    const metadata = {
      ...object.metadata,
      name: name === '' && generateName !== undefined ? `${generateName}${serial.toString(36).padStart(5, '0')}` : name,
      uid: `uid-${serial}`,
      creationTimestamp: now(),
      ...(resource.namespaced ? { namespace: object.metadata.namespace ?? 'default' } : {}),
      generation: 1,
    }
    const key = keyOf(resource, metadata)
    if (store.get(resource, key) !== undefined) {
      throw failure('SBX_API_ALREADY_EXISTS', 409, `${resource.resource} "${metadata.name}" already exists`)
    }
    const namespace = resource.namespaced ? store.get(NAMESPACES, metadata.namespace ?? '') : undefined
    if (namespace?.metadata.deletionTimestamp !== undefined) {
      throw failure('SBX_API_FORBIDDEN', 403, `namespace ${metadata.namespace} is being terminated`)
    }
    const extra =
      resource === NAMESPACES ? { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } } : undefined
    return commit(resource, undefined, { ...object, ...extra, metadata }) as T
  }

  const write = <T extends KubeObject>(resource: ResourceInfo, next: T): T => {
    admit()
    const old = find<T>(resource, addressOf(next))
    const { resourceVersion } = next.metadata
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw failure('SBX_API_CONFLICT', 409, `${resource.resource} "${next.metadata.name}" has been modified`)
    }
    const kept = {
      uid: old.metadata.uid,
      creationTimestamp: old.metadata.creationTimestamp,
      deletionTimestamp: old.metadata.deletionTimestamp,
      resourceVersion: old.metadata.resourceVersion,
      generation: old.metadata.generation,
    }
    const same: KubeObject = plain({ ...next, metadata: { ...next.metadata, ...kept } })
    if (isDeepStrictEqual(same, plain(old))) return old
    const changed = { ...same, metadata: { ...same.metadata, generation: (kept.generation ?? 0) + 1 } }
    return finish(resource, old, changed) as T
  }

  /** An object that is being deleted goes with its last finalizer (api-server.md 11). */
  const finish = (resource: ResourceInfo, old: KubeObject, next: KubeObject): KubeObject => {
    const holds =
      (next.metadata.finalizers ?? []).length > 0 ||
      (resource === NAMESPACES && ((next as { spec?: { finalizers?: string[] } }).spec?.finalizers ?? []).length > 0)
    if (next.metadata.deletionTimestamp === undefined || holds) return commit(resource, old, next)
    return commit(resource, old, undefined)
  }

  const client: ApiClient = {
    get: async (resource, at) => find(resource, at),
    list: async <T extends KubeObject>(resource: ResourceInfo, list: ListOptions = {}): Promise<KubeList<T>> => {
      const page = pages.read(() => ({ items: store.select(resource, list), revision: store.revision }), list)
      return {
        apiVersion: apiVersionOf(resource),
        kind: `${resource.kind}List`,
        metadata: {
          resourceVersion: String(page.revision),
          ...(page.token === undefined ? {} : { continue: page.token }),
        },
        items: page.items as unknown as readonly T[],
      }
    },
    create: async <T extends KubeObject>(resource: ResourceInfo, object: T, creation: CreateOptions = {}) => {
      if (creation.subresource !== 'binding') return create(resource, object)
      const { target } = object as KubeObject & { target?: { name: string } }
      const pod = find<KubeObject & { spec: { nodeName?: string } }>(resource, addressOf(object))
      if (pod.spec.nodeName !== undefined) throw failure('SBX_API_CONFLICT', 409, 'pod is already assigned')
      write(resource, { ...pod, spec: { ...pod.spec, nodeName: target?.name } })
      return object
    },
    update: async (resource, object) => write(resource, object),
    updateStatus: async (resource, object) => {
      const { status } = object as KubeObject & { status?: unknown }
      const { resourceVersion } = object.metadata
      const old = find<typeof object>(resource, addressOf(object))
      return write(resource, {
        ...old,
        status,
        metadata: { ...old.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
      })
    },
    patch: async (resource, at, patch) => {
      if (patch.type !== 'merge') throw failure('SBX_API_REJECTED', 415, 'the fake knows merge patches only')
      return write(resource, mergePatch(find(resource, at), patch.body) as never)
    },
    delete: async (resource, at, deletion = {}) => {
      admit()
      const old = find<KubeObject>(resource, at)
      const { uid } = deletion.preconditions ?? {}
      if (uid !== undefined && uid !== old.metadata.uid) throw failure('SBX_API_CONFLICT', 409, 'uid precondition')
      if (old.metadata.deletionTimestamp !== undefined) return
      const phase = resource === NAMESPACES ? { status: { phase: 'Terminating' } } : undefined
      const marked = { ...old, ...phase, metadata: { ...old.metadata, deletionTimestamp: now() } }
      finish(resource, old, marked)
    },
    watch: <T extends KubeObject>(resource: ResourceInfo, watch: object, signal: AbortSignal) =>
      store.watch(resource, watch, signal) as unknown as AsyncIterable<WatchEvent<T>>,
    raw: async (path) => {
      const document = fakeDiscovery(path)
      return { status: 200, body: document === undefined ? 'ok' : JSON.stringify(document) }
    },
  }

  return {
    client,
    writes,
    failWrites: (code, times) => {
      for (let i = 0; i < times; i += 1) failures.push(code)
    },
    compact: () => {
      store.compact()
      pages.expire()
    },
    dropWatches: () => store.dropWatches(),
  }
}

/** As it comes back over the wire: without undefined members. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

function failure(code: ErrorCode, status: number, message: string): SignalboxError {
  return new SignalboxError(code, message, { facts: { status } })
}
