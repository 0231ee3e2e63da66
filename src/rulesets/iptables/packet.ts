/** What the evaluator is asked about; the same for every ruleset language. */
export type { AddressType, ConntrackState, HostFacts, Packet, PacketProtocol, Route } from '#rulesets/shared'
