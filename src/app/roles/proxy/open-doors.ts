/** The doors a proxy works through in this network namespace, and the watch over what others do to its rules. */
import type { ConntrackDoor, IptablesDoor, NftablesDoor, RulesetWatch } from '#kernel'
import {
  createChainWatch,
  createRulesetWatch,
  openConntrack,
  openIptables,
  openNftables,
  readSysctl,
  runCommand,
  watchedIptables,
  watchedNftables,
} from '#kernel'
import type { Family, Logger } from '#lib'
import { hasCode, messageOf } from '#lib'

export type Doors = {
  readonly families: readonly Family[]
  readonly iptables: readonly IptablesDoor[]
  /** Empty where this process cannot speak netlink. */
  readonly nftables: readonly NftablesDoor[]
  readonly watch: RulesetWatch
  readonly close: () => void
}

/** All of them report their own changes to the watch. */
export async function openDoors(): Promise<Doors> {
  const families = await usableFamilies()
  const nftables = await openNetlinkDoors(families)
  const iptables = families.map((family) => openIptables({ family, runCommand }))
  const watch = await createWatch(iptables, nftables)
  return {
    families,
    iptables: iptables.map((door) => watchedIptables(door, watch)),
    nftables: nftables.map((door) => watchedNftables(door, watch)),
    watch,
    close: () => {
      for (const door of nftables) door.close()
    },
  }
}

async function openNetlinkDoors(families: readonly Family[]): Promise<readonly NftablesDoor[]> {
  try {
    return await Promise.all(families.map((family) => openNftables({ family: family === 'IPv4' ? 'ip' : 'ip6' })))
  } catch (error) {
    if (hasCode(error, 'SBX_NETLINK_UNAVAILABLE')) return []
    throw error
  }
}

/** Only nf_tables counts changes; under the legacy variant a few chains are looked at instead. */
async function createWatch(
  iptables: readonly IptablesDoor[],
  nftables: readonly NftablesDoor[],
): Promise<RulesetWatch> {
  const [counter] = nftables
  if (counter !== undefined && !(await isLegacy(iptables[0]))) return createRulesetWatch(() => counter.generation())
  const list = async (table: string, chain: string): Promise<string> => {
    const texts = iptables.map(({ family }) =>
      runCommand(family === 'IPv4' ? 'iptables' : 'ip6tables', ['-w', '5', '-t', table, '-S', chain]),
    )
    return (await Promise.all(texts)).map(({ stdout }) => stdout).join('')
  }
  return createChainWatch(list)
}

async function isLegacy(door: IptablesDoor | undefined): Promise<boolean> {
  try {
    return (await door?.version())?.variant === 'legacy'
  } catch (error) {
    // Without iptables, nftables mode is still possible.
    if (hasCode(error, 'SBX_COMMAND_NOT_FOUND')) return false
    throw error
  }
}

/** One a family; none where flows cannot be listed: then stale ones end on their own. */
export async function openFlowTables(families: readonly Family[], logger: Logger): Promise<readonly ConntrackDoor[]> {
  try {
    return await Promise.all(families.map((family) => openConntrack({ family, runCommand })))
  } catch (error) {
    logger.warn('UDP flows to endpoints that are gone will not be removed', { message: messageOf(error) })
    return []
  }
}

/** IN-33: IPv6 is left out only where this network namespace has none. */
async function usableFamilies(): Promise<readonly Family[]> {
  const disabled = await readSysctl('net/ipv6/conf/all/disable_ipv6')
  return disabled === '0' ? ['IPv4', 'IPv6'] : ['IPv4']
}
