/** Rules by table, as kube-proxy's gauges have them (IPT-41). The lookups of a tree are not counted. */
import type { Fragment, Static } from './program.ts'

export function countRules(
  part: { readonly static: Static } | { readonly fragment: Fragment },
): Readonly<Record<string, number>> {
  const counts = { filter: 0, nat: 0 }
  if ('fragment' in part) {
    for (const rules of part.fragment.chains.values()) counts.nat += rules.length
    for (const { table } of part.fragment.entries) counts[table] += 1
  } else {
    for (const { table, rules } of part.static.chains) counts[table] += rules.length
    for (const { table, tail } of part.static.shared) counts[table] += tail.length
    for (const { table } of part.static.jumps) counts[table] += 1
  }
  return counts
}
