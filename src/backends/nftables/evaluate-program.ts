/** What becomes of a packet under the program on an otherwise virgin host. */
import type { NftEvaluation, NftHostFacts } from '#rulesets/nftables'
import { evaluate } from '#rulesets/nftables'
import type { Packet } from '#rulesets/shared'
import type { Program } from './program.ts'
import { toTable } from './to-table.ts'

export function evaluateProgram(program: Program, packet: Packet, host: NftHostFacts): NftEvaluation {
  return evaluate({ tables: [toTable(program)] }, packet, host)
}
