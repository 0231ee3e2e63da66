/** Rules given as lines, asked about a packet on the example host. */
import assert from 'node:assert/strict'

import { evaluate } from '../evaluate.ts'
import type { Evaluation, Outcome } from '../outcome.ts'
import type { HostFacts, Packet } from '../packet.ts'
import { exampleHost, packetOf } from './example-host.ts'
import { rulesetOf } from './read-fixture.ts'

export function ask(lines: readonly string[], packet: Partial<Packet> = {}, host: Partial<HostFacts> = {}): Evaluation {
  return evaluate(rulesetOf(lines.join('\n')), packetOf('IPv4', packet), exampleHost('IPv4', host))
}

/** The one outcome, where there is to be one. */
export function only(lines: readonly string[], packet: Partial<Packet> = {}, host: Partial<HostFacts> = {}): Outcome {
  const { outcomes, refused } = ask(lines, packet, host)
  assert.equal(refused, undefined)
  const [outcome, ...others] = outcomes
  assert.deepEqual(others, [])
  assert.ok(outcome !== undefined)
  return outcome
}
