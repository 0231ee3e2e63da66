/**
 * Notices that somebody else has changed the rules of this network namespace, for a few microseconds a look.
 *
 * nf_tables counts its commits (kernel nf_tables_api.c, nft_net base_seq), those of iptables' nf_tables variant included.
 * What the count has grown by beyond our own commits was somebody else's. One watch serves all doors of a namespace, since
 * they share the count.
 */
import type { IptablesDoor } from './iptables.ts'
import type { NftablesDoor } from './nftables.ts'

export interface RulesetWatch {
  /** Runs something that makes so many commits of our own. */
  own<Result>(commits: number, run: () => Promise<Result>): Promise<Result>
  /** True, once: somebody else has committed since the last look. */
  foreign(): Promise<boolean>
}

export function createRulesetWatch(generation: () => Promise<number>): RulesetWatch {
  let base: number | undefined
  let own = 0
  let running = 0
  /** Changes whenever anything of ours begins or ends. */
  let moment = 0
  return {
    own: async (commits, run) => {
      running += 1
      moment += 1
      base ??= await generation()
      try {
        const result = await run()
        own += commits
        return result
      } catch (error) {
        // How much of it was committed is not known; whoever failed reads everything before the next attempt.
        base = undefined
        throw error
      } finally {
        running -= 1
        moment += 1
      }
    },
    foreign: async () => {
      if (running > 0) return false
      const asked = moment
      const now = await generation()
      if (asked !== moment) return false
      // The count is 32 bits wide and wraps.
      const beyond = base === undefined ? 0 : (now - base - own) | 0
      base = now
      own = 0
      return beyond > 0
    },
  }
}

/** A door whose commits the watch takes for our own. */
export function watchedIptables(door: IptablesDoor, watch: RulesetWatch): IptablesDoor {
  return { ...door, restore: (text) => watch.own(commitsIn(text), () => door.restore(text)) }
}

export function watchedNftables(door: NftablesDoor, watch: RulesetWatch): NftablesDoor {
  return { ...door, apply: (batch) => watch.own(1, () => door.apply(batch)) }
}

/** iptables-nft-restore makes one commit a table section (seen with 1.8.9; ruleset-watch.kernel.test.ts). */
function commitsIn(text: string): number {
  return text.match(/^COMMIT$/gm)?.length ?? 0
}

/** The few chains by which a flushed or edited table gives itself away. */
const TELLING = [
  ['nat', ['PREROUTING', 'OUTPUT', 'POSTROUTING', 'KUBE-MARK-MASQ']],
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT', 'KUBE-FORWARD']],
] as const

/**
 * For iptables' legacy variant, which counts nothing: looks at our jumps and at one chain a table instead. Sees flushes,
 * deleted tables and jumps, not an edited chain of a service.
 */
export function createChainWatch(list: (table: string, chain: string) => Promise<string>): RulesetWatch {
  let seen: string | undefined
  let running = 0
  let moment = 0
  return {
    own: async (_commits, run) => {
      running += 1
      try {
        return await run()
      } finally {
        running -= 1
        moment += 1
        seen = undefined
      }
    },
    foreign: async () => {
      if (running > 0) return false
      const asked = moment
      const listed: string[] = []
      for (const [table, chains] of TELLING) for (const chain of chains) listed.push(await list(table, chain))
      if (asked !== moment) return false
      const before = seen
      seen = listed.join('\n')
      return before !== undefined && before !== seen
    },
  }
}
