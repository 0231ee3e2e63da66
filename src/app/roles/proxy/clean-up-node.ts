/**
 * Takes out rules: all of them for `--cleanup` (OP-14), or those of the modes that are not in use once the one in use has
 * synced (OP-13), so that a change of mode leaves no moment without rules (OP-15).
 */
import { cleanUp } from '#backends/iptables'
import type { IptablesDoor, NftablesDoor } from '#kernel'
import { hasCode, messageOf } from '#lib'

export type NodeDoors = {
  readonly iptables: readonly IptablesDoor[]
  readonly nftables: readonly NftablesDoor[]
}

export type CleanupReport = {
  readonly chains: number
  readonly tables: number
  readonly failures: readonly string[]
}

/** Ours and kube-proxy's. */
const NFT_TABLES = ['signalbox', 'kube-proxy']

export async function cleanUpNode({ iptables, nftables }: NodeDoors): Promise<CleanupReport> {
  const failures: string[] = []
  let chains = 0
  let tables = 0
  for (const door of iptables) {
    try {
      const cleaned = await cleanUp(door)
      chains += cleaned.chains
      failures.push(...cleaned.failures)
    } catch (error) {
      // A host without iptables has none of its rules.
      if (!hasCode(error, 'SBX_COMMAND_NOT_FOUND')) failures.push(`iptables ${door.family}: ${messageOf(error)}`)
    }
  }
  for (const door of nftables) {
    try {
      const held = await door.tables()
      for (const table of NFT_TABLES.filter((name) => held.includes(name))) {
        await door.apply({ table, changes: [{ change: 'delete-table' }] })
        tables += 1
      }
    } catch (error) {
      failures.push(`nftables ${door.family}: ${messageOf(error)}`)
    }
  }
  return { chains, tables, failures }
}
