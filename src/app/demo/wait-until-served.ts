/** Waits until what was declared has become true: pods ready, and the client's node has rules that lead to them. */
import type { Explanation } from '#explain'
import type { Pod } from '#api'
import { PODS } from '#api'
import type { Clock } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'

export type WaitForPods = {
  readonly client: ApiClient
  readonly clock: Clock
  readonly names: readonly string[]
  /** Milliseconds. */
  readonly timeout: number
  readonly signal: AbortSignal
}

const POLL = 50

export async function waitForPods(options: WaitForPods): Promise<readonly Pod[]> {
  const deadline = options.clock.monotonic() + options.timeout
  for (;;) {
    const { items } = await options.client.list<Pod>(PODS, { namespace: 'default' })
    const wanted = options.names.map((name) => items.find((pod) => pod.metadata.name === name))
    if (wanted.every((pod) => pod !== undefined && isReady(pod))) return wanted.filter((pod) => pod !== undefined)
    if (options.clock.monotonic() > deadline) throw notReady(options.names, items)
    await options.clock.sleep(POLL, options.signal)
  }
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
}

function notReady(names: readonly string[], items: readonly Pod[]): SignalboxError {
  const states = names.map((name) => {
    const pod = items.find((one) => one.metadata.name === name)
    const waiting = pod?.status?.containerStatuses?.[0]?.state?.waiting
    return `${name}: ${waiting?.message ?? waiting?.reason ?? pod?.status?.phase ?? 'not there'}`
  })
  return new SignalboxError('SBX_DEMO_NOT_READY', `pods did not become ready in time (${states.join('; ')})`)
}

export type WaitForRules = {
  readonly explain: () => Promise<Explanation>
  readonly endpoints: number
  readonly clock: Clock
  readonly timeout: number
  readonly signal: AbortSignal
}

/** Asks the live rules themselves; nobody else knows when they are in the kernel. */
export async function waitForRules(options: WaitForRules): Promise<Explanation> {
  const deadline = options.clock.monotonic() + options.timeout
  let last = ''
  for (;;) {
    try {
      const explanation = await options.explain()
      const live = explanation.endpoints.filter((endpoint) => endpoint.probability !== '0')
      if (live.length === options.endpoints) return explanation
      last = `the rules lead to ${live.length} of ${options.endpoints} endpoints`
    } catch (error) {
      last = messageOf(error)
    }
    if (options.clock.monotonic() > deadline)
      throw new SignalboxError('SBX_DEMO_NOT_READY', `no rules in time: ${last}`)
    await options.clock.sleep(POLL, options.signal)
  }
}
