/**
 * A packet's walk from one base chain through the chains it leads to.
 *
 * Branches are kept on a worklist, not on the call stack: rulesets come from outside and may be deep, long, or run in
 * circles (the kernel would refuse to load those).
 */
import { multiplyFractions } from '#lib'
import { withStep } from '#rulesets/shared'

import type { NftChain, NftRule } from './ast.ts'
import { HOOK_NAMES, type Flow, type Place } from './flow.ts'
import type { NftHostFacts, NftRefusal, NftStep } from './outcome.ts'
import { runRule, type Act, type RuleEnd } from './run-rule.ts'

export type ChainEnd =
  | { readonly end: 'accepted'; readonly flow: Flow; readonly settled: boolean }
  | { readonly end: 'dropped'; readonly flow: Flow }
  | { readonly end: 'rejected'; readonly with: string; readonly flow: Flow }
  | { readonly end: 'refused'; readonly refusal: NftRefusal }

export const LIMITS = {
  /** Chains entered on one way from one base chain. */
  jumps: 10_000,
  /** Ways from one base chain. */
  branches: 65_536,
}

type Frame = { readonly chain: NftChain; readonly next: number; readonly caller: Frame | undefined }
type Branch = { readonly flow: Flow; readonly frame: Frame | undefined; readonly jumps: number }
/** A branch that has ended waits for its turn like the others, so that the order of the rules is the order of the answer. */
type Waiting = Branch | { readonly done: ChainEnd }
type Walk = { readonly place: Place; readonly host: NftHostFacts }
type Here = { readonly after: Frame; readonly index: number; readonly rule: NftRule; readonly branch: Branch }

export function traverseChain(walk: Walk, flow: Flow): readonly ChainEnd[] {
  const { base, table } = walk.place
  const ends: ChainEnd[] = []
  const waiting: Waiting[] = [{ flow, frame: { chain: base, next: 0, caller: undefined }, jumps: 0 }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (ends.length + waiting.length >= LIMITS.branches) {
      const reason = `more than ${LIMITS.branches} ways through the chains`
      ends.push({ end: 'refused', refusal: { reason, table: table.name, chain: base.name } })
      return ends
    }
    if ('done' in next) ends.push(next.done)
    else waiting.push(...followBranch(walk, next).toReversed())
  }
  return ends
}

/** To the first rule that does anything, and where that leads. */
function followBranch(walk: Walk, branch: Branch): readonly Waiting[] {
  let { flow, frame } = branch
  while (frame !== undefined) {
    const { chain, next: index, caller }: Frame = frame
    const rule = chain.rules[index]
    if (rule === undefined) {
      frame = caller
      continue
    }
    flow = { ...flow, rulesConsidered: flow.rulesConsidered + 1 }
    const after: Frame = { chain, next: index + 1, caller }
    const ends = runRule(rule, { flow, place: walk.place, host: walk.host })
    const [only] = ends
    if (ends.length === 1 && only?.end === 'went' && !only.matched && only.acts.length === 0) {
      flow = only.flow
      frame = after
      continue
    }
    return ends.map((end) => takeEnd(walk, end, { after, index, rule, branch }))
  }
  return [{ done: applyPolicy(walk, flow) }]
}

function takeEnd(walk: Walk, end: RuleEnd, here: Here): Waiting {
  const { after, branch } = here
  if (end.end === 'refused') return refused(walk, here, end.reason)
  const flow = withSteps(walk, end, here)
  const last = end.acts.at(-1)?.effect
  switch (end.go) {
    case 'next':
      return { ...branch, flow, frame: after }
    case 'return':
      return { ...branch, flow, frame: after.caller }
    case 'accept':
    case 'settled':
      return { done: { end: 'accepted', flow, settled: end.go === 'settled' } }
    case 'drop':
      return { done: { end: 'dropped', flow } }
    case 'reject':
      return { done: { end: 'rejected', with: last?.kind === 'reject' ? last.with : '', flow } }
    case 'enter':
    case 'replace': {
      const name = last !== undefined && 'chain' in last ? last.chain : ''
      const chain = walk.place.table.chains.get(name)
      if (chain === undefined) return refused(walk, here, `there is no chain ${name}`)
      if (branch.jumps >= LIMITS.jumps) return refused(walk, here, 'the chains run in circles')
      const caller = end.go === 'enter' ? after : after.caller
      return { flow, frame: { chain, next: 0, caller }, jumps: branch.jumps + 1 }
    }
  }
}

/** A step for each thing the rule did, or one that it did nothing but match. */
function withSteps(walk: Walk, end: Extract<RuleEnd, { readonly end: 'went' }>, here: Here): Flow {
  const { table, hook } = walk.place
  const { after, index, rule } = here
  const certain = end.chance.numerator === end.chance.denominator
  const place = { hook: HOOK_NAMES[hook], table: table.name, chain: after.chain.name, index, rule }
  const acts: readonly Act[] = end.acts.length > 0 || !end.matched ? end.acts : [{ effect: { kind: 'continue' } }]
  const probability = multiplyFractions(end.flow.probability, end.chance)
  let flow: Flow = { ...end.flow, probability }
  for (const { effect, element } of acts) {
    const step: NftStep = {
      ...place,
      effect,
      ...(certain ? {} : { chance: end.chance }),
      ...(element === undefined ? {} : { element }),
    }
    flow = withStep(flow, step)
  }
  return flow
}

/** A base chain that has said nothing yet has nothing worth telling unless it drops. */
function applyPolicy({ place }: Walk, flow: Flow): ChainEnd {
  const { base, table, hook } = place
  const drops = base.base?.policy === 'drop'
  const step: NftStep = {
    hook: HOOK_NAMES[hook],
    table: table.name,
    chain: base.name,
    effect: { kind: 'policy', policy: drops ? 'DROP' : 'ACCEPT' },
  }
  const noted = drops || base.rules.length > 0 ? withStep(flow, step) : flow
  return drops ? { end: 'dropped', flow: noted } : { end: 'accepted', flow: noted, settled: false }
}

function refused({ place }: Walk, { after, index, rule }: Here, reason: string): Waiting {
  const at = { table: place.table.name, chain: after.chain.name, index, rule }
  return { done: { end: 'refused', refusal: { reason, ...at } } }
}
