/**
 * Whether a rule's conditions hold for a packet: yes, no, by chance, or not to be told from here.
 *
 * As in the kernel, conditions are looked at in order and the first that fails ends it. One that cannot be decided makes
 * the rule undecidable only if no other condition rules the packet out.
 */
import { fraction, multiplyFractions, oneMinus, type Fraction } from '#lib'

import type { Match, Rule } from './ast.ts'
import type { Flow } from './flow.ts'
import { isInBlock, isInterface, isProtocol } from './match-address.ts'
import { matchOther } from './match-other.ts'
import { matchRecent } from './match-recent.ts'
import { intendedProbability } from './probability.ts'
import { hasState, type Answer, type Scene } from './scene.ts'

export type Matched = {
  readonly result: 'matched'
  /** Below 1 if chance decides. */
  readonly chance: Fraction
  /** With what a match itself changed: `recent` lists. */
  readonly flow: Flow
}

export type MatchResult =
  Matched | { readonly result: 'missed' } | { readonly result: 'undecided'; readonly reason: string }

const ONE = fraction(1n)
const MISSED: MatchResult = { result: 'missed' }

export function matchRule(rule: Rule, scene: Scene): MatchResult {
  let { flow } = scene
  let chance = ONE
  let undecided: string | undefined
  for (const match of rule.matches) {
    if (match.kind === 'random') {
      const taken = intendedProbability(match.probability)
      chance = multiplyFractions(chance, match.negated === true ? oneMinus(taken) : taken)
      if (chance.numerator === 0n) return MISSED
    } else if (match.kind === 'recent') {
      const seen = matchRecent(match, { ...scene, flow })
      if (typeof seen === 'string') undecided ??= seen
      else if (!seen.holds) return MISSED
      else flow = seen.flow
    } else {
      const answer = holds(match, scene)
      if (answer === false) return MISSED
      if (typeof answer === 'string') undecided ??= answer
    }
  }
  return undecided === undefined ? { result: 'matched', chance, flow } : { result: 'undecided', reason: undecided }
}

type Stateless = Exclude<Match, { readonly kind: 'random' | 'recent' }>

function holds(match: Stateless, scene: Scene): Answer {
  const plain = holdsPlainly(match, scene)
  return typeof plain === 'boolean' && 'negated' in match && match.negated === true ? !plain : plain
}

function holdsPlainly(match: Stateless, scene: Scene): Answer {
  const { flow, context } = scene
  const { packet } = flow
  switch (match.kind) {
    case 'source':
      return isInBlock(match, flow.source) ?? `${match.cidr} is no address block`
    case 'destination':
      return isInBlock(match, flow.destination) ?? `${match.cidr} is no address block`
    case 'protocol':
      return isProtocol(match.protocol, packet)
    case 'in-interface':
      return isInterface(match.name, flow.inInterface)
    case 'out-interface':
      return isInterface(match.name, flow.outInterface)
    case 'comment':
      return true
    case 'source-port':
      return isProtocol(match.protocol, packet) && isBetween(packet.sourcePort, match)
    case 'destination-port':
      return isProtocol(match.protocol, packet) && isBetween(packet.destinationPort, match)
    case 'conntrack-state':
      return hasState(match.states, scene)
    case 'mark':
      return (packet.mark & match.mask) >>> 0 === match.value
    case 'address-type':
      return match.type
        .split(',')
        .includes(context.host.addressType(match.of === 'source' ? packet.source : packet.destination))
    case 'other':
      return matchOther(match, scene)
  }
}

function isBetween(port: number, range: { readonly from: number; readonly to: number }): boolean {
  return port >= range.from && port <= range.to
}
