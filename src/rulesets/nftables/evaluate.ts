/**
 * What the kernel does with the first packet of a flow under a ruleset, whoever wrote it: every outcome with its exact
 * probability and the rules that led there.
 *
 * Pure: the ruleset, the packet and a few facts of the host are all there is. A rule that cannot be decided from those is
 * named (`refused`); the evaluator never guesses. Authority: the kernel's netfilter hooks and nf_tables_core;
 * evaluate.kernel.test.ts holds it against real packets.
 */
import { findWay, stepsOf, type Packet } from '#rulesets/shared'

import type { NftRuleset } from './ast.ts'
import { startFlow, type Flow, type Place } from './flow.ts'
import { stagesAt, type Stage } from './hooks.ts'
import type { NftEvaluation, NftHostFacts, NftOutcome, NftRefusal } from './outcome.ts'
import { traverseChain } from './traversal.ts'

/** More outcomes than this are no answer to anybody. */
const MAX_OUTCOMES = 65_536

/** A packet on its way, or one whose way has ended. */
type Underway = { readonly flow: Flow; readonly stages: readonly Stage[] }
type Pending = Underway | { readonly outcome: NftOutcome }

type Run = {
  readonly ruleset: NftRuleset
  readonly family: 'ip' | 'ip6'
  readonly host: NftHostFacts
  refused?: NftRefusal
}

export function evaluate(ruleset: NftRuleset, packet: Packet, host: NftHostFacts): NftEvaluation {
  const flow = startFlow(packet)
  if (flow === undefined) {
    return { outcomes: [], refused: { reason: 'the packet has an address that is none' }, rulesConsidered: 0 }
  }
  const run: Run = { ruleset, family: packet.family === 'IPv4' ? 'ip' : 'ip6', host }
  const outcomes: NftOutcome[] = []
  const first: readonly Stage[] =
    packet.origin === 'local'
      ? [{ kind: 'route-local' }]
      : [...stagesAt(ruleset, run.family, { hook: 'prerouting' }), { kind: 'route-arrived' }]
  const pending: Pending[] = [{ flow, stages: first }]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (outcomes.length + pending.length >= MAX_OUTCOMES) {
      run.refused ??= { reason: `more than ${MAX_OUTCOMES} outcomes` }
      break
    }
    if ('outcome' in at) outcomes.push(at.outcome)
    // Reversed, because the last one is taken up first and the order of the rules is the order of the answer.
    else pending.push(...advance(run, at).toReversed())
  }
  return {
    outcomes,
    ...(run.refused === undefined ? {} : { refused: run.refused }),
    rulesConsidered: outcomes.reduce((most, outcome) => Math.max(most, outcome.rulesConsidered), 0),
  }
}

/** One stage further. */
function advance(run: Run, { flow, stages }: Underway): readonly Pending[] {
  const [stage, ...rest] = stages
  const at = (name: 'input' | 'forward' | 'output' | 'postrouting'): readonly Stage[] =>
    stagesAt(run.ruleset, run.family, { hook: name })
  switch (stage?.kind) {
    case undefined:
      return []
    case 'chain':
      return askChain(run, stage.place, { flow, stages: rest })
    case 'nat':
      return askNat(run, stage, { flow, stages: rest })
    case 'deliver':
      return [{ outcome: finish(flow, { verdict: 'accepted', delivered: stage.to }) }]
    case 'route-arrived': {
      const way = findWay(flow, run.host)
      if (way.kind === 'turned') return [{ outcome: finish(flow, { ...way.away, noRoute: true }) }]
      return way.kind === 'here'
        ? [{ flow, stages: [...at('input'), { kind: 'deliver', to: 'local' }] }]
        : [{ flow: way.flow, stages: [...at('forward'), ...at('postrouting'), { kind: 'deliver', to: 'forward' }] }]
    }
    case 'route-local':
      return routeLocal(run, flow, rest)
    case 'loop-back': {
      if (findWay(flow, run.host).kind !== 'here') return [{ flow, stages: [{ kind: 'deliver', to: 'forward' }] }]
      const looped = (name: 'prerouting' | 'input'): readonly Stage[] =>
        stagesAt(run.ruleset, run.family, { hook: name, looped: true })
      return [
        {
          flow: { ...flow, inInterface: 'lo', outInterface: undefined },
          stages: [...looped('prerouting'), ...looped('input'), { kind: 'deliver', to: 'local' }],
        },
      ]
    }
  }
}

/** Where a packet of this host goes: before OUTPUT and, because that may have changed the destination, behind it. */
function routeLocal(run: Run, flow: Flow, rest: readonly Stage[]): readonly Pending[] {
  const way = findWay(flow, run.host)
  if (way.kind === 'turned') return [{ outcome: finish(flow, { ...way.away, noRoute: true }) }]
  const routed = way.kind === 'here' ? { ...flow, outInterface: 'lo' } : way.flow
  if (rest.length > 0) return [{ flow: routed, stages: rest }]
  const hook = (name: 'output' | 'postrouting'): readonly Stage[] => stagesAt(run.ruleset, run.family, { hook: name })
  return [
    {
      flow: routed,
      stages: [...hook('output'), { kind: 'route-local' }, ...hook('postrouting'), { kind: 'loop-back' }],
    },
  ]
}

function askChain(run: Run, place: Place, asked: Underway): readonly Pending[] {
  return traverseChain({ place, host: run.host }, asked.flow).flatMap((end): Pending[] => {
    switch (end.end) {
      case 'accepted':
        // A chain of type nat says so to askNat alone; any other is followed by the next chain of the hook.
        return [{ flow: end.flow, stages: asked.stages }]
      case 'dropped':
        return [{ outcome: finish(end.flow, { verdict: 'dropped' }) }]
      case 'rejected':
        return [{ outcome: finish(end.flow, { verdict: 'rejected', rejectedWith: end.with }) }]
      case 'refused':
        run.refused ??= end.refusal
        return []
    }
  })
}

/** Only a flow's first packet is translated; the first chain that does so at a hook is the last one asked. */
function askNat(run: Run, stage: Stage & { readonly kind: 'nat' }, asked: Underway): readonly Pending[] {
  const [place, ...others] = stage.places
  if (asked.flow.packet.ctstate !== 'NEW') return [asked]
  if (place === undefined) return [afterNat(run, stage, asked)]
  const left: Stage = { ...stage, places: others }
  return traverseChain({ place, host: run.host }, asked.flow).flatMap((end): readonly Pending[] => {
    if (end.end === 'accepted') {
      if (end.settled) return [afterNat(run, stage, { flow: end.flow, stages: asked.stages })]
      return [{ flow: end.flow, stages: [left, ...asked.stages] }]
    }
    if (end.end === 'dropped') return [{ outcome: finish(end.flow, { verdict: 'dropped' }) }]
    if (end.end === 'rejected') return [{ outcome: finish(end.flow, { verdict: 'rejected', rejectedWith: end.with }) }]
    run.refused ??= end.refusal
    return []
  })
}

/**
 * A packet of this host whose destination was changed is routed again at once (nf_nat_ipv4_local_fn). The hook's other
 * chains keep seeing the interface it was entered with.
 */
function afterNat(run: Run, { hook }: Stage & { readonly kind: 'nat' }, { flow, stages }: Underway): Pending {
  if (hook !== 'output' || flow.translated.destination === undefined) return { flow, stages }
  const way = findWay(flow, run.host)
  return way.kind === 'turned' ? { outcome: finish(flow, { ...way.away, noRoute: true }) } : { flow, stages }
}

type End = {
  readonly verdict: NftOutcome['verdict']
  readonly rejectedWith?: string
  readonly delivered?: 'forward' | 'local'
  readonly noRoute?: true
}

function finish(flow: Flow, end: End): NftOutcome {
  const out = end.delivered === 'forward' && flow.outInterface !== undefined ? { outInterface: flow.outInterface } : {}
  return {
    probability: flow.probability,
    delivered: undefined,
    ...end,
    ...out,
    packet: flow.packet,
    translated: flow.translated,
    steps: stepsOf(flow),
    rulesConsidered: flow.rulesConsidered,
    lookups: flow.lookups,
  }
}
