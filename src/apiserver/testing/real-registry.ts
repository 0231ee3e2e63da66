/** A registry in memory with the real kinds, and short forms of its verbs. */
import type { KubeObject, ResourceInfo } from '#api'
import { NAMESPACES } from '#api'
import type { ServiceAllocator } from '#allocators'
import { createKindsWithAllocator } from '../kinds/index.ts'
import type { Registry } from '../registry/index.ts'
import { createObject, createRegistry, deleteObject, headOf, updateObject } from '../registry/index.ts'
import type { ObjectDatabase } from '../storage/index.ts'
import { createStore } from '../storage/index.ts'
import type { ManualClock } from './manual-clock.ts'
import { manualClock } from './manual-clock.ts'
import { memoryDatabase } from './memory-database.ts'

export type RealRegistry = {
  readonly registry: Registry
  readonly services: ServiceAllocator
  readonly clock: ManualClock
  readonly collisions: string[]
  create<T extends KubeObject>(info: ResourceInfo, object: object): Promise<T>
  update<T extends KubeObject>(info: ResourceInfo, object: T): Promise<T>
  remove(info: ResourceInfo, at: { readonly namespace?: string; readonly name: string }): Promise<void>
  get<T extends KubeObject>(
    info: ResourceInfo,
    at: { readonly namespace?: string; readonly name: string },
  ): T | undefined
  names(info: ResourceInfo): readonly string[]
}

export async function realRegistry(
  options: { readonly serviceCIDRs?: readonly string[]; readonly database?: ObjectDatabase } = {},
): Promise<RealRegistry> {
  const clock = manualClock()
  const collisions: string[] = []
  const { kinds, services } = createKindsWithAllocator({
    serviceCIDRs: options.serviceCIDRs ?? ['10.96.0.0/16', 'fd00:10:96::/112'],
    random: () => 0.5,
    onCollision: ({ service, what, problem }) => void collisions.push(`${service} ${what} ${problem}`),
  })
  const store = createStore({ database: options.database ?? memoryDatabase(), clock })
  const registry = createRegistry({ store, clock, kinds })
  const writer = { user: { name: 'tester', groups: [] }, dryRun: false, warn: () => undefined }
  const kindOf = (info: ResourceInfo): Registry['kinds'][number] => {
    const kind = kinds.find((one) => one.info.resource === info.resource && one.info.group === info.group)
    if (kind === undefined) throw new Error(`no kind ${info.kind}`)
    return kind
  }
  const targetOf = (info: ResourceInfo, at: { readonly namespace?: string | undefined; readonly name: string }) => ({
    kind: kindOf(info),
    namespace: info.namespaced ? (at.namespace ?? 'default') : undefined,
    name: at.name,
  })
  const made: RealRegistry = {
    registry,
    services,
    clock,
    collisions,
    create: async <T extends KubeObject>(info: ResourceInfo, object: object) => {
      const { metadata } = object as KubeObject
      const { kind, namespace } = targetOf(info, metadata)
      const answer = await createObject(registry, { kind, namespace, object: object as KubeObject, options: writer })
      return answer.object as T
    },
    update: async <T extends KubeObject>(info: ResourceInfo, object: T) => {
      const target = targetOf(info, object.metadata)
      const change = (): KubeObject => object
      const { answer } = await updateObject(registry, { ...target, options: writer, mayCreate: false, change })
      return answer.object as T
    },
    remove: async (info, at) => {
      await deleteObject(registry, { ...targetOf(info, at), deletion: {}, options: writer })
    },
    get: <T extends KubeObject>(info: ResourceInfo, at: { readonly namespace?: string; readonly name: string }) =>
      headOf(registry, targetOf(info, at))?.object as T | undefined,
    names: (info) => registry.reader.list(info).map(({ metadata }) => metadata.name),
  }
  if (made.get(NAMESPACES, { name: 'default' }) === undefined) {
    await made.create(NAMESPACES, { metadata: { name: 'default' } })
  }
  return made
}
