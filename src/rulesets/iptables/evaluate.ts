/**
 * What the kernel does with the first packet of a flow under a ruleset, whoever wrote it: every outcome with its exact
 * probability and the rules that led there.
 *
 * Pure: the ruleset, the packet and a few facts of the host are all there is. A rule that cannot be decided from those is
 * named (`refused`); the evaluator never guesses. Authority: the kernel's netfilter hooks, ip_tables and the xt_* modules;
 * evaluate.kernel.test.ts holds it against real packets.
 */
import type { Ruleset } from './ast.ts'
import { startFlow, stepsOf, type Context, type Flow } from './flow.ts'
import { ARRIVED, LOCAL, type Stage } from './hooks.ts'
import type { Evaluation, Outcome, Refusal } from './outcome.ts'
import type { HostFacts, Packet } from './packet.ts'
import { routeFlow } from './route.ts'
import { traverseTable } from './traversal.ts'

/** More outcomes than this are no answer to anybody. */
const MAX_OUTCOMES = 65_536

/** A packet on its way, or one whose way has ended. */
type Pending = { readonly flow: Flow; readonly stages: readonly Stage[] } | { readonly outcome: Outcome }
type Underway = Exclude<Pending, { readonly outcome: Outcome }>

type Run = {
  readonly ruleset: Ruleset
  readonly context: Context
  refused?: Refusal
}

export function evaluate(ruleset: Ruleset, packet: Packet, host: HostFacts): Evaluation {
  const flow = startFlow(packet)
  if (flow === undefined) return refusedAtOnce('the packet has an address that is none')
  if (ruleset.family !== packet.family) {
    return refusedAtOnce(`an ${packet.family} packet never meets ${ruleset.family} rules`)
  }
  const run: Run = { ruleset, context: { host } }
  const outcomes: Outcome[] = []
  const pending: Pending[] = [{ flow, stages: packet.origin === 'local' ? LOCAL : ARRIVED }]
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
  if (stage === undefined) return []
  if (stage.kind === 'table') return askTable(run, stage, { flow, stages: rest })
  if (stage.kind === 'deliver') return [{ outcome: finish(flow, { verdict: 'accepted', delivered: stage.to }) }]
  const routed = routeFlow(stage.kind, flow, run.context.host)
  return routed.kind === 'turned'
    ? [{ outcome: finish(flow, { ...routed.away, noRoute: true }) }]
    : [{ flow: routed.flow, stages: [...rest, ...routed.stages] }]
}

function askTable(run: Run, stage: Stage & { readonly kind: 'table' }, asked: Underway): readonly Pending[] {
  const table = run.ruleset.tables.get(stage.table)
  // A flow's translations are settled by its first packet; the nat table never sees another (nf_nat_inet_fn).
  const skipped = stage.table === 'nat' && asked.flow.packet.ctstate !== 'NEW'
  if (table === undefined || skipped) return [asked]
  return traverseTable({ table, place: stage, context: run.context }, asked.flow).flatMap((end): Pending[] => {
    switch (end.end) {
      case 'accepted':
        return [{ flow: end.flow, stages: afterTable(stage, { asked, flow: end.flow }) }]
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

/** A packet of this host whose destination OUTPUT changed is routed again before filter sees it (nf_nat_ipv4_local_fn). */
function afterTable(
  stage: Stage & { readonly kind: 'table' },
  { asked, flow }: { readonly asked: Underway; readonly flow: Flow },
): readonly Stage[] {
  const moved = flow.packet.destination !== asked.flow.packet.destination
  return stage.hook === 'OUTPUT' && moved ? [{ kind: 'reroute-local' }, ...asked.stages] : asked.stages
}

type End = {
  readonly verdict: Outcome['verdict']
  readonly rejectedWith?: string
  readonly delivered?: 'forward' | 'local'
  readonly noRoute?: true
}

function finish(flow: Flow, end: End): Outcome {
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
  }
}

function refusedAtOnce(reason: string): Evaluation {
  return { outcomes: [], refused: { reason }, rulesConsidered: 0 }
}
