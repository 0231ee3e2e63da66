/** Installs the bypass rules, puts them back when somebody flushed them, and takes them away in the end. */
import { mustRun, runCommand } from '#kernel'
import type { Logger } from '#lib'
import { messageOf, systemClock } from '#lib'

import type { BypassMode, BypassTarget, IptablesRule } from './bypass-rules.ts'
import { iptablesBypass, NFT_REMOVE, nftBypass } from './bypass-rules.ts'

export type KeepBypassOptions = BypassTarget & {
  readonly mode: BypassMode
  readonly logger: Logger
  readonly signal: AbortSignal
  /** How often the rules are looked after; a minute if not given. */
  readonly intervalMilliseconds?: number
}

/** Resolves, once the rules are there, with what removes them. */
export async function keepBypass(options: KeepBypassOptions): Promise<() => Promise<void>> {
  const { logger, signal, intervalMilliseconds = 60_000 } = options
  const rules = doorFor(options)
  await rules.ensure()
  let ended = false
  const again = async (): Promise<void> => {
    while (!ended) {
      await systemClock.sleep(intervalMilliseconds, signal)
      if (!ended)
        await rules.ensure().catch((error: unknown) => logger.warn('bypass rules', { error: messageOf(error) }))
    }
  }
  // Rejects when the signal fires: that is the end of it.
  void again().catch(() => undefined)
  return async () => {
    ended = true
    await rules.remove()
  }
}

type Door = { ensure(): Promise<void>; remove(): Promise<void> }

function doorFor(options: KeepBypassOptions): Door {
  switch (options.mode) {
    case 'none':
      return { ensure: async () => undefined, remove: async () => undefined }
    case 'nftables':
      return {
        ensure: async () => {
          const listed = await runCommand('nft', ['list', 'table', 'inet', 'signalbox-node-cache'])
          if (listed.status !== 0) await mustRun('nft', ['-f', '-'], { input: nftBypass(options) })
        },
        remove: async () => void (await mustRun('nft', ['-f', '-'], { input: NFT_REMOVE })),
      }
    case 'iptables': {
      const rules = iptablesBypass(options)
      return {
        ensure: async () => {
          for (const rule of rules) {
            if (!(await isThere(rule))) await mustRun(tool(rule), [...inTable(rule), '-I', rule.chain, ...rule.match])
          }
        },
        remove: async () => {
          for (const rule of rules) {
            if (await isThere(rule)) await mustRun(tool(rule), [...inTable(rule), '-D', rule.chain, ...rule.match])
          }
        },
      }
    }
  }
}

function tool(rule: IptablesRule): string {
  return rule.six ? 'ip6tables' : 'iptables'
}

function inTable(rule: IptablesRule): readonly string[] {
  return ['-w', '5', '-t', rule.table]
}

async function isThere(rule: IptablesRule): Promise<boolean> {
  const { status } = await runCommand(tool(rule), [...inTable(rule), '-C', rule.chain, ...rule.match])
  return status === 0
}
