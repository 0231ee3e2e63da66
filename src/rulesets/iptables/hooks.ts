/**
 * The order in which the kernel consults tables, for a packet that arrives, one this host makes, and one it makes for
 * itself (netfilter hook priorities: raw -300, conntrack -200, mangle -150, dstnat -100, filter 0, security 50, srcnat 100).
 */
import type { Hook } from './outcome.ts'
import type { Place } from './flow.ts'

/** What happens to a packet next: a table is asked, or the routing table. */
export type Stage =
  | ({ readonly kind: 'table' } & Place)
  /** Where an arriving packet goes. */
  | { readonly kind: 'route-arrived' }
  /** Where a packet of this host goes: before OUTPUT and, because that may have changed the destination, behind it. */
  | { readonly kind: 'route-local' }
  /** Whether there is a way to the destination that OUTPUT has just set; filter is not asked if there is none. */
  | { readonly kind: 'reroute-local' }
  /** A packet sent by this host to itself comes in by the loopback interface. */
  | { readonly kind: 'loop-back' }
  | { readonly kind: 'deliver'; readonly to: 'forward' | 'local' }

export const ARRIVED: readonly Stage[] = [
  table('PREROUTING', 'raw', { conntrackSeen: false }),
  table('PREROUTING', 'mangle'),
  table('PREROUTING', 'nat'),
  { kind: 'route-arrived' },
]

export const INPUT: readonly Stage[] = [
  table('INPUT', 'mangle'),
  table('INPUT', 'filter'),
  table('INPUT', 'security'),
  table('INPUT', 'nat'),
  { kind: 'deliver', to: 'local' },
]

const POSTROUTING: readonly Stage[] = [table('POSTROUTING', 'mangle'), table('POSTROUTING', 'nat')]

export const FORWARD: readonly Stage[] = [
  table('FORWARD', 'mangle'),
  table('FORWARD', 'filter'),
  table('FORWARD', 'security'),
  ...POSTROUTING,
  { kind: 'deliver', to: 'forward' },
]

export const LOCAL: readonly Stage[] = [
  { kind: 'route-local' },
  table('OUTPUT', 'raw', { conntrackSeen: false }),
  table('OUTPUT', 'mangle'),
  table('OUTPUT', 'nat'),
  table('OUTPUT', 'filter'),
  table('OUTPUT', 'security'),
  { kind: 'route-local' },
  ...POSTROUTING,
  { kind: 'loop-back' },
]

/**
 * The second half of a packet's way to its own host. The flow's translations are settled (the packet keeps its conntrack
 * entry over loopback), so neither nat table is asked again.
 */
export const LOOPED_BACK: readonly Stage[] = [
  table('PREROUTING', 'raw'),
  table('PREROUTING', 'mangle'),
  table('INPUT', 'mangle'),
  table('INPUT', 'filter'),
  table('INPUT', 'security'),
  { kind: 'deliver', to: 'local' },
]

function table(hook: Hook, name: string, { conntrackSeen } = { conntrackSeen: true }): Stage {
  return { kind: 'table', hook, table: name, conntrackSeen }
}
