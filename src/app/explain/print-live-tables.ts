/**
 * The nftables of this network namespace that proxy Services, as text: ours, and kube-proxy's. Read over netlink by a
 * process of its own, started where the rules are, because entering a namespace takes a whole process.
 */
import { openNftables } from '#kernel'
import type { Family } from '#lib'
import type { NftTable } from '#rulesets/nftables'
import { printNftRuleset } from '#rulesets/nftables'
import { TABLE } from '#backends/nftables'

const TABLES: readonly string[] = [TABLE, 'kube-proxy']

export async function printLiveTables(family: Family): Promise<string> {
  const door = await openNftables({ family: family === 'IPv4' ? 'ip' : 'ip6' })
  try {
    const names = (await door.tables()).filter((name) => TABLES.includes(name))
    const tables = await Promise.all(names.map((name) => door.read(name)))
    return printNftRuleset({ tables: tables.filter((table): table is NftTable => table !== undefined) })
  } finally {
    door.close()
  }
}
