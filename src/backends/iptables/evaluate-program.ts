/** What becomes of a packet under the program on an otherwise virgin host. */
import type { Evaluation, HostFacts, Packet } from '#rulesets/iptables'
import { evaluate } from '#rulesets/iptables'
import type { Program } from './program.ts'
import { toRuleset } from './to-ruleset.ts'

export function evaluateProgram(program: Program, packet: Packet, host: HostFacts): Evaluation {
  return evaluate(toRuleset(program), packet, host)
}
