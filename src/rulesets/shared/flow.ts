/**
 * A packet on its way through the hooks: one branch of an evaluation. Immutable; a rule that changes the packet makes the
 * next flow from the last. Each language adds what else its rules can see.
 */
import { addressToNumber, fraction, type Fraction } from '#lib'

import type { Endpoint } from './outcome.ts'
import type { ConntrackState, Packet } from './packet.ts'

/** Branches share what they have in common: a list from its end. */
export type StepList<Step> = { readonly step: Step; readonly before: StepList<Step> | undefined }

export type BaseFlow<Step> = {
  readonly packet: Packet & { readonly ctstate: ConntrackState; readonly mark: number }
  /** The two addresses as numbers; thousands of rules are compared with them. */
  readonly source: bigint
  readonly destination: bigint
  readonly inInterface: string | undefined
  readonly outInterface: string | undefined
  readonly translated: { readonly destination?: Endpoint; readonly source?: Endpoint }
  readonly probability: Fraction
  readonly steps: StepList<Step> | undefined
  readonly rulesConsidered: number
}

/** `undefined` if an address of the packet is none. */
export function startBaseFlow<Step>(packet: Packet): BaseFlow<Step> | undefined {
  const source = addressToNumber(packet.source)
  const destination = addressToNumber(packet.destination)
  if (source === undefined || destination === undefined) return undefined
  return {
    packet: { ...packet, ctstate: packet.ctstate ?? 'NEW', mark: (packet.mark ?? 0) >>> 0 },
    source,
    destination,
    inInterface: packet.origin === 'forwarded' ? packet.inInterface : undefined,
    outInterface: undefined,
    translated: {},
    probability: fraction(1n),
    steps: undefined,
    rulesConsidered: 0,
  }
}

export function withStep<Step, Flow extends BaseFlow<Step>>(flow: Flow & BaseFlow<Step>, step: Step): Flow {
  return { ...flow, steps: { step, before: flow.steps } }
}

export function stepsOf<Step>(flow: BaseFlow<Step>): Step[] {
  const steps: Step[] = []
  for (let at = flow.steps; at !== undefined; at = at.before) steps.push(at.step)
  return steps.reverse()
}

export function destinationOf(flow: BaseFlow<unknown>): Endpoint {
  return { address: flow.packet.destination, port: flow.packet.destinationPort }
}

export function sourceOf(flow: BaseFlow<unknown>): Endpoint {
  return { address: flow.packet.source, port: flow.packet.sourcePort }
}

/** Conntrack counts a translation only where it changes something (nf_nat_setup_info). */
export function withDestination<Flow extends BaseFlow<unknown>>(flow: Flow, to: Endpoint): Flow {
  if (to.address === flow.packet.destination && to.port === flow.packet.destinationPort) return flow
  return {
    ...flow,
    packet: { ...flow.packet, destination: to.address, destinationPort: to.port },
    destination: addressToNumber(to.address) ?? flow.destination,
    translated: { ...flow.translated, destination: to },
  }
}

/** With a random port the flow is translated even if the address stays. */
export function withSource<Flow extends BaseFlow<unknown>>(
  flow: Flow,
  to: Endpoint,
  { newPort }: { readonly newPort: boolean },
): Flow {
  if (to.address === flow.packet.source && to.port === flow.packet.sourcePort && !newPort) return flow
  return {
    ...flow,
    packet: { ...flow.packet, source: to.address, sourcePort: to.port },
    source: addressToNumber(to.address) ?? flow.source,
    translated: { ...flow.translated, source: to },
  }
}

export function withMark<Flow extends BaseFlow<unknown>>(flow: Flow, mark: number): Flow {
  return { ...flow, packet: { ...flow.packet, mark } }
}
