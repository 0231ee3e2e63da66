export type { BaseFlow, StepList } from './flow.ts'
export {
  destinationOf,
  sourceOf,
  startBaseFlow,
  stepsOf,
  withDestination,
  withMark,
  withSource,
  withStep,
} from './flow.ts'
export type { Effect, Endpoint, Evaluation, Hook, Outcome, Refusal, Step } from './outcome.ts'
export type { AddressType, ConntrackState, HostFacts, Packet, PacketProtocol, Route } from './packet.ts'
export type { Turned, Way } from './routing.ts'
export { findWay, masqueradeEndpoint, redirectAddress } from './routing.ts'
