/**
 * One family's half of the proxy: what the kernel is believed to hold, what has changed since, and the one step that
 * brings the two together. Knows no time and never waits for anything but the kernel.
 *
 * The belief changes only after the kernel has accepted, so a failure never loses a change: the next step is then a full
 * one that reads the live rules and trusts nothing (IPT-32, IPT-33, OP-30).
 */
import type { ClusterChange, ClusterState, ObjectKey } from '#api'
import type { Backend, FragmentChange, Program } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import type { Logger } from '#lib'
import type { NodeFacts, Problem } from '#model'
import { isolateServices } from './isolate-services.ts'
import { renderAll, renderKey } from './render-state.ts'
import type { FactsChange, ServiceFacts } from './service-facts.ts'

export type FamilySyncOptions<S, F, T, L> = {
  readonly backend: Backend<S, F, T, L>
  readonly planFor: (state: ClusterState) => { readonly node: NodeFacts; readonly nodePlan: NodePlan }
  readonly logger: Logger
}

export type StepResult = {
  readonly kind: 'partial' | 'full'
  readonly services: readonly string[]
  readonly lines: number
  readonly bytes: number
  /** Rules written, by table. */
  readonly tables?: Readonly<Record<string, number>>
  /** What changed besides rules. */
  readonly facts: readonly FactsChange[]
}

export interface FamilySync {
  /** Takes note of a change; cheap. */
  offer(change: ClusterChange): void
  /** The next step reads and compares everything. */
  requestFull(): void
  readonly hasWork: boolean
  /** What the next step will be. */
  readonly next: StepResult['kind']
  /** Rules held, by table. */
  readonly rules: Readonly<Record<string, number>>
  /** Of every service that is served. */
  readonly facts: ReadonlyMap<ObjectKey, ServiceFacts>
  /** Services the kernel refused, with what it said. */
  readonly quarantined: ReadonlyMap<ObjectKey, string>
  /** Works off everything offered so far. @throws what the kernel said; the step after that is full. */
  step(signal: AbortSignal): Promise<StepResult>
  /** After a full step has failed: finds the services the kernel refuses and applies all others. */
  isolate(signal: AbortSignal): Promise<StepResult>
}

const NOTHING = { services: [], lines: 0, bytes: 0, facts: [] } as const

function changeOf(key: ObjectKey, before: ServiceFacts | undefined, after: ServiceFacts | undefined): FactsChange {
  return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
}

export function createFamilySync<S, F, T, L>(options: FamilySyncOptions<S, F, T, L>): FamilySync {
  const { backend, logger } = options
  const dirty = new Set<ObjectKey>()
  const quarantined = new Map<ObjectKey, string>()
  let held = new Map<ObjectKey, F>()
  let facts = new Map<ObjectKey, ServiceFacts>()
  let rules: Record<string, number> = {}
  let latest: ClusterState | undefined
  let full = false

  const warn = (key: ObjectKey, problems: readonly Problem[]): void => {
    for (const { code, object, field } of problems) {
      logger.warn('object has a part that is left out', { service: key, object, field, code, family: backend.family })
    }
  }

  const partial = async (state: ClusterState, signal: AbortSignal): Promise<StepResult> => {
    const { node, nodePlan } = options.planFor(state)
    const changes: FragmentChange<F>[] = []
    const factChanges: FactsChange[] = []
    for (const key of dirty) {
      const before = held.get(key)
      const { fragment: after, facts: next, problems } = renderKey(backend, key, { state, node, nodePlan })
      warn(key, problems)
      factChanges.push(changeOf(key, facts.get(key), next))
      changes.push({ key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) })
    }
    dirty.clear()
    const transaction = backend.diff(changes)
    await backend.apply(transaction, signal)
    for (const { key, before, after } of changes) {
      quarantined.delete(key)
      if (before !== undefined) count({ fragment: before }, -1)
      if (after !== undefined) count({ fragment: after }, 1)
      if (after === undefined) held.delete(key)
      else held.set(key, after)
    }
    for (const { key, after } of factChanges) {
      if (after === undefined) facts.delete(key)
      else facts.set(key, after)
    }
    return { kind: 'partial', ...backend.sizeOf(transaction), facts: factChanges }
  }

  const count = (part: { readonly static: S } | { readonly fragment: F }, sign: 1 | -1): void => {
    for (const [table, number] of Object.entries(backend.countRules?.(part) ?? {})) {
      rules[table] = (rules[table] ?? 0) + sign * number
    }
  }
  const recount = (staticPart: S): void => {
    rules = {}
    count({ static: staticPart }, 1)
    for (const fragment of held.values()) count({ fragment }, 1)
  }

  const replaceFacts = (next: Map<ObjectKey, ServiceFacts>): FactsChange[] => {
    const keys = new Set([...facts.keys(), ...next.keys()])
    const changes = [...keys].map((key) => changeOf(key, facts.get(key), next.get(key)))
    facts = next
    return changes
  }

  const everything = async (state: ClusterState, signal: AbortSignal): Promise<StepResult> => {
    const { node, nodePlan } = options.planFor(state)
    dirty.clear()
    const next = new Map<ObjectKey, ServiceFacts>()
    const services = renderAll(backend, { state, node, nodePlan }, (key, rendered) => {
      warn(key, rendered.problems)
      if (rendered.facts !== undefined) next.set(key, rendered.facts)
    })
    const live = await backend.read()
    const program: Program<S, F> = { family: backend.family, static: backend.renderStatic(nodePlan), services }
    const transaction = backend.reconcile(live, program)
    await backend.apply(transaction, signal)
    held = services
    recount(program.static)
    quarantined.clear()
    return { kind: 'full', ...backend.sizeOf(transaction), facts: replaceFacts(next) }
  }

  return {
    offer: (change) => {
      latest = change.state
      if (change.full) full = true
      for (const key of change.dirty) dirty.add(key)
    },
    requestFull: () => {
      full = true
    },
    get hasWork() {
      return latest !== undefined && (full || dirty.size > 0)
    },
    get next() {
      return full ? 'full' : 'partial'
    },
    get rules() {
      return rules
    },
    get facts() {
      return facts
    },
    quarantined,
    step: async (signal) => {
      if (latest === undefined) return { kind: 'partial', ...NOTHING }
      const state = latest
      const wasFull = full
      // Set back before the work, so that a change offered meanwhile is not lost; a failure sets it again.
      full = false
      try {
        return wasFull ? await everything(state, signal) : await partial(state, signal)
      } catch (error) {
        full = true
        throw error
      }
    },
    isolate: async (signal) => {
      if (latest === undefined) return { kind: 'full', ...NOTHING }
      const state = latest
      full = false
      dirty.clear()
      const { node, nodePlan } = options.planFor(state)
      const next = new Map<ObjectKey, ServiceFacts>()
      const wanted = renderAll(backend, { state, node, nodePlan }, (key, rendered) => {
        if (rendered.facts !== undefined) next.set(key, rendered.facts)
      })
      try {
        const result = await isolateServices({ backend, nodePlan, wanted, held, signal })
        held = result.services
        recount(backend.renderStatic(nodePlan))
        quarantined.clear()
        for (const [key, message] of result.refused) quarantined.set(key, message)
        for (const key of result.refused.keys()) next.delete(key)
        return { kind: 'full', services: [], lines: result.lines, bytes: result.bytes, facts: replaceFacts(next) }
      } catch (error) {
        full = true
        throw error
      }
    },
  }
}
