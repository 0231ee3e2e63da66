/** Who is asked first (CoreDNS plugin/forward, policy); `parallel` asks all at once and takes the first good reply. */
import type { Upstream } from './upstream.ts'

export const POLICIES = ['random', 'round_robin', 'sequential', 'parallel'] as const
export type ForwardPolicy = (typeof POLICIES)[number]

export type OrderUpstreams = () => readonly Upstream[]

export function createOrder(
  upstreams: readonly Upstream[],
  policy: ForwardPolicy,
  random: (below: number) => number,
): OrderUpstreams {
  let turn = 0
  const from = (first: number): readonly Upstream[] => [...upstreams.slice(first), ...upstreams.slice(0, first)]
  switch (policy) {
    case 'random':
      return () => (upstreams.length < 2 ? upstreams : shuffled(upstreams, random))
    case 'round_robin':
      return () => from(turn++ % upstreams.length)
    case 'sequential':
    case 'parallel':
      return () => upstreams
  }
}

function shuffled(upstreams: readonly Upstream[], random: (below: number) => number): readonly Upstream[] {
  const order = [...upstreams]
  for (let last = order.length - 1; last > 0; last--) {
    const other = random(last + 1)
    const kept = order[last] as Upstream
    order[last] = order[other] as Upstream
    order[other] = kept
  }
  return order
}
