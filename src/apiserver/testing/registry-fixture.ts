/** A registry in memory with the sample kinds, and short forms of its verbs. */
import type { KubeObject, Status } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Registry, WatchNotice, WatchRequest } from '../registry/index.ts'
import { createObject, createRegistry, watchObjects } from '../registry/index.ts'
import { Refused } from '../status/index.ts'
import type { WindowLimits } from '../storage/index.ts'
import { createStore } from '../storage/index.ts'
import type { ManualClock } from './manual-clock.ts'
import { manualClock } from './manual-clock.ts'
import { memoryDatabase } from './memory-database.ts'
import { sampleKinds } from './sample-kinds.ts'

export type Fixture = {
  readonly registry: Registry
  readonly clock: ManualClock
  readonly warnings: string[]
  readonly options: {
    readonly user: { name: string; groups: string[] }
    readonly dryRun: boolean
    readonly warn: (text: string) => void
  }
  kind(name: string): KindDefinition
  create(kindName: string, object: object, namespace?: string): Promise<KubeObject>
  watch(
    kindName: string,
    request?: Partial<WatchRequest>,
  ): { readonly notices: WatchNotice[]; ended: boolean; stop: () => void }
}

export async function fixture(window?: WindowLimits): Promise<Fixture> {
  const clock = manualClock()
  const store = createStore({ database: memoryDatabase(), clock, ...(window === undefined ? {} : { window }) })
  const registry = createRegistry({ store, clock, kinds: sampleKinds() })
  const warnings: string[] = []
  const options = {
    user: { name: 'tester', groups: [] },
    dryRun: false,
    warn: (text: string) => void warnings.push(text),
  }
  const kind = (name: string): KindDefinition => {
    const found = registry.kinds.find(({ info }) => info.kind === name)
    if (found === undefined) throw new Error(`no kind ${name}`)
    return found
  }
  const made: Fixture = {
    registry,
    clock,
    warnings,
    options,
    kind,
    create: async (kindName, object, namespace = 'default') => {
      const definition = kind(kindName)
      const scope = definition.info.namespaced ? namespace : undefined
      const answer = await createObject(registry, {
        kind: definition,
        namespace: scope,
        object: object as KubeObject,
        options,
      })
      return answer.object
    },
    watch: (kindName, request = {}) => {
      const state = { notices: [] as WatchNotice[], ended: false, stop: () => undefined as void }
      const sink = {
        send: (list: readonly WatchNotice[]) => void state.notices.push(...list),
        end: () => void (state.ended = true),
      }
      state.stop = watchObjects(registry, { ...BLANK_WATCH, kind: kind(kindName), ...request }, sink)
      return state
    },
  }
  await made.create('Namespace', { metadata: { name: 'default' } })
  return made
}

const BLANK_WATCH = {
  namespace: undefined,
  name: undefined,
  labelSelector: '',
  fieldSelector: '',
  resourceVersion: '',
  resourceVersionMatch: '',
  allowBookmarks: false,
  sendInitialEvents: undefined,
  timeoutSeconds: undefined,
}

/** The Status that a verb refuses with. */
export async function refusal(verb: () => unknown): Promise<Status> {
  try {
    await verb()
  } catch (error) {
    if (error instanceof Refused) return error.status
    throw error
  }
  throw new Error('was not refused')
}

/** `TYPE name@revision` of each notice. */
export function briefly(notices: readonly WatchNotice[]): string[] {
  return notices.map((notice) =>
    notice.type === 'BOOKMARK'
      ? `BOOKMARK ${notice.initialEnd ? 'initial-end ' : ''}@${notice.revision}`
      : notice.type === 'ERROR'
        ? `ERROR ${notice.status.code} ${notice.status.message}`
        : `${notice.type} ${notice.stored.object.metadata.name}@${notice.stored.object.metadata.resourceVersion}`,
  )
}
