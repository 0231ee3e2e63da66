/**
 * A packet's walk through one table at one hook, chain by chain.
 *
 * Where a rule matches by chance the walk splits in two and nowhere else, so the number of ends is one more than the
 * number of chances met. Branches are kept on a worklist, not on the call stack: rulesets come from outside and may be
 * deep, long, or run in circles (the kernel would refuse to load those).
 */
import { multiplyFractions, oneMinus } from '#lib'

import { applyTarget } from './apply-target.ts'
import type { Chain, Table } from './ast.ts'
import { withStep, type Context, type Flow, type Place } from './flow.ts'
import { matchRule, type Matched } from './matching.ts'
import type { Refusal, Step } from './outcome.ts'

export type TableEnd =
  | { readonly end: 'accepted' | 'dropped'; readonly flow: Flow }
  | { readonly end: 'rejected'; readonly with: string; readonly flow: Flow }
  | { readonly end: 'refused'; readonly refusal: Refusal }

export const LIMITS = {
  /** Chains entered on one way through one table. */
  jumps: 10_000,
  /** Ways through one table. */
  branches: 65_536,
}

type Frame = { readonly chain: Chain; readonly next: number; readonly caller: Frame | undefined }
type Branch = { readonly flow: Flow; readonly frame: Frame | undefined; readonly jumps: number }
type Walk = { readonly table: Table; readonly place: Place; readonly context: Context }

export function traverseTable(walk: Walk, flow: Flow): readonly TableEnd[] {
  const base = walk.table.chains.get(walk.place.hook)
  if (base === undefined) return [{ end: 'accepted', flow }]
  const ends: TableEnd[] = []
  // The last branch first: what a rule takes comes before what it leaves.
  const waiting: Branch[] = [{ flow, frame: { chain: base, next: 0, caller: undefined }, jumps: 0 }]
  for (let branch = waiting.pop(); branch !== undefined; branch = waiting.pop()) {
    if (ends.length + waiting.length >= LIMITS.branches) {
      ends.push({
        end: 'refused',
        refusal: { reason: `more than ${LIMITS.branches} ways through the table`, table: walk.table.name },
      })
      return ends
    }
    const end = followBranch(walk, branch, waiting)
    if (end !== undefined) ends.push(end)
  }
  return ends
}

/** To the branch's end, or (`undefined`) to where it splits; both halves are then waiting. */
function followBranch(walk: Walk, branch: Branch, waiting: Branch[]): TableEnd | undefined {
  let { flow, frame } = branch
  for (; frame !== undefined; frame = frame.caller) {
    const { chain, next, caller }: Frame = frame
    const found = findMatch(walk, chain, { flow, from: next })
    flow = { ...flow, rulesConsidered: flow.rulesConsidered + found.considered }
    if (found.match === undefined) continue
    const { index, match } = found
    const after: Frame = { chain, next: index + 1, caller }
    if (match.result === 'undecided') return refused(walk, { chain, index, reason: match.reason })
    if (match.chance.numerator !== match.chance.denominator) {
      const missed = { ...flow, probability: multiplyFractions(flow.probability, oneMinus(match.chance)) }
      waiting.push({ flow: missed, frame: after, jumps: branch.jumps })
    }
    return takeRule(walk, { ...branch, flow, frame: after }, { chain, index, match, waiting })
  }
  return applyPolicy(walk, flow)
}

type Found = { readonly considered: number } & (
  | { readonly match?: undefined }
  | { readonly index: number; readonly match: Matched | { readonly result: 'undecided'; readonly reason: string } }
)

function findMatch(walk: Walk, chain: Chain, start: { readonly flow: Flow; readonly from: number }): Found {
  const scene = { flow: start.flow, place: walk.place, context: walk.context }
  for (let index = start.from; index < chain.rules.length; index += 1) {
    const rule = chain.rules[index]
    if (rule === undefined) break
    const match = matchRule(rule, scene)
    if (match.result !== 'missed') return { considered: index - start.from + 1, index, match }
  }
  return { considered: chain.rules.length - start.from }
}

/** The half of the branch that the rule takes. */
function takeRule(
  walk: Walk,
  branch: Branch & { readonly frame: Frame },
  taken: { readonly chain: Chain; readonly index: number; readonly match: Matched; readonly waiting: Branch[] },
): TableEnd | undefined {
  const { chain, index, match, waiting } = taken
  const rule = chain.rules[index]
  if (rule === undefined) return undefined
  const { rulesConsidered } = branch.flow
  const probability = multiplyFractions(branch.flow.probability, match.chance)
  const flow: Flow = { ...match.flow, rulesConsidered, probability }
  const applied = applyTarget(rule, { flow, place: walk.place, context: walk.context })
  if (typeof applied === 'string') return refused(walk, { chain, index, reason: applied })
  const chance = match.chance.numerator === match.chance.denominator ? {} : { chance: match.chance }
  const { hook } = walk.place
  const step: Step = { hook, table: walk.table.name, chain: chain.name, index, rule, effect: applied.effect, ...chance }
  const stepped = withStep(applied.flow, step)
  switch (applied.go) {
    case 'accept':
      return { end: 'accepted', flow: stepped }
    case 'drop':
      return { end: 'dropped', flow: stepped }
    case 'reject':
      return { end: 'rejected', with: applied.effect.kind === 'reject' ? applied.effect.with : '', flow: stepped }
    case 'next':
      waiting.push({ ...branch, flow: stepped })
      return undefined
    case 'return':
      waiting.push({ ...branch, flow: stepped, frame: branch.frame.caller })
      return undefined
    case 'enter':
    case 'replace': {
      const name = 'chain' in applied.effect ? applied.effect.chain : ''
      const target = walk.table.chains.get(name)
      if (target === undefined) return refused(walk, { chain, index, reason: `there is no chain ${name}` })
      if (branch.jumps >= LIMITS.jumps) return refused(walk, { chain, index, reason: 'the chains run in circles' })
      const caller = applied.go === 'enter' ? branch.frame : branch.frame.caller
      waiting.push({ flow: stepped, frame: { chain: target, next: 0, caller }, jumps: branch.jumps + 1 })
      return undefined
    }
  }
}

/** A base chain that has said nothing yet has nothing worth telling unless it drops. */
function applyPolicy(walk: Walk, flow: Flow): TableEnd {
  const { hook } = walk.place
  const base = walk.table.chains.get(hook)
  const policy = base?.policy ?? 'ACCEPT'
  const step: Step = { hook, table: walk.table.name, chain: hook, effect: { kind: 'policy', policy } }
  const noted = policy === 'DROP' || (base?.rules.length ?? 0) > 0 ? withStep(flow, step) : flow
  return { end: policy === 'DROP' ? 'dropped' : 'accepted', flow: noted }
}

function refused(
  walk: Walk,
  { chain, index, reason }: { readonly chain: Chain; readonly index: number; readonly reason: string },
): TableEnd {
  const rule = chain.rules[index]
  const at = { table: walk.table.name, chain: chain.name, index }
  return { end: 'refused', refusal: { reason, ...at, ...(rule === undefined ? {} : { rule }) } }
}
