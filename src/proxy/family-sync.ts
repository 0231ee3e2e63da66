/**
 * One family's half of the proxy: what the kernel is believed to hold, what has changed since, and the one step that
 * brings the two together. Knows no time and never waits for anything but the kernel.
 *
 * The belief changes only after the kernel has accepted, so a failure never loses a change: the next step is then a full
 * one that reads the live rules and trusts nothing (IPT-32, IPT-33, OP-30).
 */
import type { ClusterChange, ClusterState, ObjectKey } from '#api'
import type { Backend, FragmentChange } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import type { Logger } from '#lib'
import type { NodeFacts, Problem } from '#model'
import { isolateServices } from './isolate-services.ts'
import { renderAll, renderKey } from './render-state.ts'

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
}

export interface FamilySync {
  /** Takes note of a change; cheap. */
  offer(change: ClusterChange): void
  /** The next step reads and compares everything. */
  requestFull(): void
  readonly hasWork: boolean
  /** What the next step will be. */
  readonly next: StepResult['kind']
  /** Services the kernel refused, with what it said. */
  readonly quarantined: ReadonlyMap<ObjectKey, string>
  /** Works off everything offered so far. @throws what the kernel said; the step after that is full. */
  step(signal: AbortSignal): Promise<StepResult>
  /** After a full step has failed: finds the services the kernel refuses and applies all others. */
  isolate(signal: AbortSignal): Promise<StepResult>
}

export function createFamilySync<S, F, T, L>(options: FamilySyncOptions<S, F, T, L>): FamilySync {
  const { backend, logger } = options
  const dirty = new Set<ObjectKey>()
  const quarantined = new Map<ObjectKey, string>()
  let held = new Map<ObjectKey, F>()
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
    for (const key of dirty) {
      const before = held.get(key)
      const { fragment: after, problems } = renderKey(backend, key, { state, node, nodePlan })
      if (problems.length > 0) warn(key, problems)
      changes.push({ key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) })
    }
    dirty.clear()
    const transaction = backend.diff(changes)
    await backend.apply(transaction, signal)
    for (const { key, after } of changes) {
      quarantined.delete(key)
      if (after === undefined) held.delete(key)
      else held.set(key, after)
    }
    return { kind: 'partial', ...backend.sizeOf(transaction) }
  }

  const everything = async (state: ClusterState, signal: AbortSignal): Promise<StepResult> => {
    const { node, nodePlan } = options.planFor(state)
    dirty.clear()
    const services = renderAll(backend, { state, node, nodePlan }, warn)
    const live = await backend.read()
    const program = { family: backend.family, static: backend.renderStatic(nodePlan), services }
    const transaction = backend.reconcile(live, program)
    await backend.apply(transaction, signal)
    held = services
    quarantined.clear()
    return { kind: 'full', ...backend.sizeOf(transaction) }
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
    quarantined,
    step: async (signal) => {
      if (latest === undefined) return { kind: 'partial', services: [], lines: 0, bytes: 0 }
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
      if (latest === undefined) return { kind: 'full', services: [], lines: 0, bytes: 0 }
      const state = latest
      full = false
      dirty.clear()
      const { node, nodePlan } = options.planFor(state)
      const wanted = renderAll(backend, { state, node, nodePlan }, () => undefined)
      try {
        const result = await isolateServices({ backend, nodePlan, wanted, held, signal })
        held = result.services
        quarantined.clear()
        for (const [key, message] of result.refused) quarantined.set(key, message)
        return { kind: 'full', services: [], lines: result.lines, bytes: result.bytes }
      } catch (error) {
        full = true
        throw error
      }
    },
  }
}
