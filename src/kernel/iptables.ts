/**
 * The door to iptables, one family at a time: the whole ruleset out, transactions in. Spoken through the distribution's
 * tools so that it works over the legacy and the nf_tables variant alike.
 *
 * @throws from every call: SBX_COMMAND_NOT_FOUND where the tool is not installed, and what classify-iptables-failure.ts
 *   names.
 */
import type { Family } from '#lib'
import { SignalboxError } from '#lib'
import { classifyIptablesFailure } from './iptables-failure.ts'
import type { CommandOptions, CommandResult } from './run-command.ts'

export type IptablesVersion = { readonly version: string; readonly variant: 'legacy' | 'nf_tables' }

export interface IptablesDoor {
  readonly family: Family
  version(): Promise<IptablesVersion>
  /** What `iptables-save` prints: all tables. */
  save(): Promise<string>
  /** Applies `iptables-restore --noflush` input; each table section up to its COMMIT is all or nothing. */
  restore(text: string): Promise<void>
}

export type OpenIptablesOptions = {
  readonly family: Family
  readonly runCommand: (file: string, args: readonly string[], options?: CommandOptions) => Promise<CommandResult>
}

/** Seconds to wait for another program that holds the lock (IPT-30). */
const LOCK_WAIT = '5'
/** A hundred thousand rules take the nf_tables variant minutes on a small machine. */
const TIMEOUT = 300_000

export function openIptables({ family, runCommand }: OpenIptablesOptions): IptablesDoor {
  const tool = family === 'IPv4' ? 'iptables' : 'ip6tables'
  const run = async (file: string, args: readonly string[], input?: string): Promise<string> => {
    const result = await runCommand(file, args, { timeout: TIMEOUT, ...(input === undefined ? {} : { input }) })
    if (result.status !== 0) throw classifyIptablesFailure({ tool: file, input, ...result })
    return result.stdout
  }
  return {
    family,
    version: async () => parseVersion(await run(tool, ['--version'])),
    save: () => run(`${tool}-save`, []),
    restore: async (text) => {
      await run(`${tool}-restore`, ['-w', LOCK_WAIT, '--noflush'], text)
    },
  }
}

/** `iptables v1.8.9 (nf_tables)`; before 1.8 there was no variant to name. */
function parseVersion(printed: string): IptablesVersion {
  const found = /v(\d+(?:\.\d+)*)(?: \((legacy|nf_tables)\))?/.exec(printed)
  if (found?.[1] === undefined) {
    throw new SignalboxError('SBX_IPTABLES_REJECTED', `cannot read a version from "${printed.trim().slice(0, 80)}"`)
  }
  return { version: found[1], variant: found[2] === 'nf_tables' ? 'nf_tables' : 'legacy' }
}
