/**
 * The `recent` match: a list of addresses with the time each was seen, which kube-proxy uses for client affinity (IPT-26).
 * What the lists held before is a fact of the host; what this packet itself changes is kept in its flow.
 */
import { addressToNumber, numberToAddress } from '#lib'

import type { Match } from './ast.ts'
import type { Flow } from './flow.ts'
import type { Scene } from './scene.ts'

type Recent = Match & { readonly kind: 'recent' }

/** A text is why it cannot be told. */
export function matchRecent(match: Recent, scene: Scene): { readonly holds: boolean; readonly flow: Flow } | string {
  const { flow, context } = scene
  const address = masked(match.side === 'source' ? flow.packet.source : flow.packet.destination, match.mask)
  if (address === undefined) return `${match.mask} is no mask`
  const key = `${match.list} ${address}`
  const seconds = flow.remembered.has(key) ? flow.remembered.get(key) : context.host.recent?.(match.list, address)
  const negated = match.negated === true
  const remember = (age: number | undefined): Flow => ({ ...flow, remembered: new Map(flow.remembered).set(key, age) })

  if (match.action === 'set') return { holds: !negated, flow: remember(0) }
  if (seconds === undefined) return { holds: negated, flow }
  if (match.action === 'remove') return { holds: !negated, flow: remember(undefined) }
  const fresh = match.seconds === undefined || seconds <= match.seconds
  const holds = fresh !== negated
  // xt_recent refreshes the entry only where the whole match, negation included, holds.
  return { holds, flow: match.action === 'update' && holds ? remember(0) : flow }
}

function masked(address: string, mask: string | undefined): string | undefined {
  if (mask === undefined) return address
  const value = addressToNumber(address)
  const bits = addressToNumber(mask)
  if (value === undefined || bits === undefined) return undefined
  return numberToAddress(value & bits, address.includes(':') ? 'IPv6' : 'IPv4')
}
