/**
 * One service whose rules the kernel refuses must not keep thousands of others from being served: halves the suspects
 * until the refused ones stand alone, everything else applied on the way. Suspects that wait for their turn keep the rules
 * they had.
 */
import type { Backend } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import { messageOf } from '#lib'
import { isEnvironment } from './is-environment.ts'

export type IsolateInput<S, F, T, L> = {
  readonly backend: Backend<S, F, T, L>
  readonly nodePlan: NodePlan
  readonly wanted: ReadonlyMap<string, F>
  /** What the kernel held when it was last sure. */
  readonly held: ReadonlyMap<string, F>
  readonly signal: AbortSignal
}

export type Isolated<F> = {
  readonly services: Map<string, F>
  readonly refused: ReadonlyMap<string, string>
  readonly lines: number
  readonly bytes: number
}

/** @throws if even the rules without any suspect are refused, or the machine fails: then no service is to blame. */
export async function isolateServices<S, F, T, L>(input: IsolateInput<S, F, T, L>): Promise<Isolated<F>> {
  const { backend, wanted, held, signal } = input
  const staticPart = backend.renderStatic(input.nodePlan)
  const services = new Map([...held].filter(([key]) => wanted.has(key)))
  const refused = new Map<string, string>()
  const sent = { lines: 0, bytes: 0 }

  const tryWith = async (keys: readonly string[]): Promise<void> => {
    const next = new Map(services)
    for (const key of keys) {
      const fragment = wanted.get(key)
      if (fragment !== undefined) next.set(key, fragment)
    }
    const program = { family: backend.family, static: staticPart, services: next }
    const transaction = backend.reconcile(await backend.read(), program)
    await backend.apply(transaction, signal)
    const { lines, bytes } = backend.sizeOf(transaction)
    sent.lines += lines
    sent.bytes += bytes
    for (const key of keys) {
      const fragment = wanted.get(key)
      if (fragment !== undefined) services.set(key, fragment)
    }
  }

  const split = async (keys: readonly string[]): Promise<void> => {
    if (keys.length === 0) return
    try {
      await tryWith(keys)
    } catch (error) {
      signal.throwIfAborted()
      if (isEnvironment(error)) throw error
      const [only] = keys
      if (keys.length === 1 && only !== undefined) {
        refused.set(only, messageOf(error))
        return
      }
      const middle = Math.ceil(keys.length / 2)
      await split(keys.slice(0, middle))
      await split(keys.slice(middle))
    }
  }

  await withoutSuspects(() => tryWith([]), services)
  const suspects = [...wanted.keys()].filter((key) => wanted.get(key) !== services.get(key))
  await split(suspects.sort())
  return { services, refused, ...sent }
}

/** The rules held before may themselves be what is refused now (a module was unloaded): then start from none. */
async function withoutSuspects(attempt: () => Promise<void>, services: Map<string, unknown>): Promise<void> {
  try {
    await attempt()
  } catch (error) {
    // A lock held by somebody is no reason to take all rules away for a moment.
    if (services.size === 0 || isEnvironment(error)) throw error
    services.clear()
    await attempt()
  }
}
