/**
 * Serves what the stored CustomResourceDefinitions define, from the commit of a definition on, and takes its objects along
 * when it goes (apiextensions controllers). Objects in a namespace that is being deleted go with it, too.
 */
import type { CustomResourceDefinition, KubeObject, ResourceInfo } from '#api'
import { apiVersionOf, CUSTOMRESOURCEDEFINITIONS, NAMESPACES } from '#api'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import { CLEANUP_FINALIZER } from '../kinds/custom-resource-definition.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Registry } from '../registry/index.ts'
import { deleteNow, storageName, updateNow } from '../registry/index.ts'
import { Refused } from '../status/index.ts'
import { customKinds } from './custom-kinds.ts'

const WRITER = { user: { name: 'system:apiserver', groups: ['system:masters'] }, dryRun: false, warn: () => undefined }

/** Serves at once what is stored; the returned function stops it. */
export function serveCustomKinds(registry: Registry, logger: Logger): () => void {
  const { store } = registry
  const definitions = storageName(CUSTOMRESOURCEDEFINITIONS)
  const definitionKind = registry.kinds.find(({ info }) => storageName(info) === definitions)
  if (definitionKind === undefined) return () => undefined
  const builtIn = new Set(registry.kinds.map(({ info }) => storageName(info)))
  const followed = new Map<string, () => void>()
  let scheduled = false
  let stopped = false

  const stored = (): readonly CustomResourceDefinition[] =>
    store
      .table(definitions)
      .list()
      .map(({ object }) => object as CustomResourceDefinition)
  const own = (): readonly KindDefinition[] =>
    registry.kinds.filter(({ structure, view }) => structure !== undefined && view === undefined)

  const serve = (): void => {
    const kinds = stored()
      .filter(({ metadata }) => !builtIn.has(metadata.name))
      .flatMap((definition) => {
        try {
          return customKinds(definition)
        } catch (error) {
          logger.error('custom resource definition not served', {
            name: definition.metadata.name,
            reason: messageOf(error),
          })
          return []
        }
      })
    registry.serveCustom(kinds)
    for (const { info } of own()) {
      const resource = storageName(info)
      if (!followed.has(resource)) followed.set(resource, store.subscribe(resource, schedule))
      migrate(info)
    }
    schedule()
  }
  /** Objects stored under an earlier storage version. */
  const migrate = (info: ResourceInfo): void => {
    const resource = storageName(info)
    const old = store
      .table(resource)
      .list()
      .filter(({ object }) => object.apiVersion !== apiVersionOf(info))
    const changes = old.map(({ key, revision, object }) => ({
      resource,
      key,
      object: { ...object, apiVersion: apiVersionOf(info) },
      expect: revision,
    }))
    if (changes.length > 0) store.stage(changes)
  }
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(pass)
  }
  const pass = (): void => {
    scheduled = false
    if (stopped) return
    for (const definition of stored()) {
      if (definition.metadata.deletionTimestamp !== undefined) attempt(() => empty(definition))
    }
    const going = store
      .table(storageName(NAMESPACES))
      .list()
      .filter(({ object }) => object.metadata.deletionTimestamp !== undefined)
    for (const kind of going.length === 0 ? [] : own()) {
      for (const { object: namespace } of going) {
        const { name } = namespace.metadata
        if (!kind.info.namespaced) continue
        for (const { object } of store.table(storageName(kind.info)).list(name)) attempt(() => remove(kind, object))
      }
    }
  }
  const attempt = (task: () => void): void => {
    try {
      task()
    } catch (error) {
      // Changed meanwhile; the event of that change brings us back.
      if (!(error instanceof Refused)) logger.error('custom resource cleanup failed', { reason: messageOf(error) })
    }
  }
  const remove = (kind: KindDefinition, object: KubeObject): void => {
    if (object.metadata.deletionTimestamp !== undefined) return
    const { namespace, name } = object.metadata
    deleteNow(registry, { kind, namespace, name, deletion: {}, options: WRITER })
  }
  const empty = (definition: CustomResourceDefinition): void => {
    const { name } = definition.metadata
    const kind = own().find(({ info }) => storageName(info) === name)
    const left = kind === undefined ? [] : store.table(name).list()
    for (const { object } of left) attempt(() => kind !== undefined && remove(kind, object))
    if (left.length > 0) return
    updateNow(registry, {
      kind: definitionKind,
      namespace: undefined,
      name,
      options: WRITER,
      mayCreate: false,
      change: (current) => {
        const { finalizers = [], ...metadata } = (current ?? definition).metadata
        const rest = finalizers.filter((one) => one !== CLEANUP_FINALIZER)
        return { ...(current ?? definition), metadata: { ...metadata, finalizers: rest } }
      },
    })
  }

  serve()
  const stops = [store.subscribe(definitions, serve), store.subscribe(storageName(NAMESPACES), schedule)]
  return () => {
    stopped = true
    for (const stop of [...stops, ...followed.values()]) stop()
  }
}
