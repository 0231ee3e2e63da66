/** iptables mode as a backend: the pure stages of this folder plus one door to the kernel. */
import type { Backend } from '#backends/shared'
import type { IptablesDoor } from '#kernel'
import { hasCode, messageOf } from '#lib'
import type { Ruleset } from '#rulesets/iptables'
import { parseIptablesSave } from '#rulesets/iptables'
import { createApplier } from './apply-transaction.ts'
import { countRules } from './count-rules.ts'
import { diff } from './diff.ts'
import type { Fragment, Static } from './program.ts'
import { reconcile } from './reconcile.ts'
import { renderService } from './render-service.ts'
import { renderStatic } from './render-static.ts'
import { noEntries } from './shared-entries.ts'
import type { Transaction } from './transaction.ts'
import { sizeOf } from './transaction.ts'

export type IptablesBackend = Backend<Static, Fragment, Transaction, Ruleset>

export function createIptablesBackend(door: IptablesDoor): IptablesBackend {
  const { family } = door
  const apply = createApplier(door)
  // Believed only after the kernel has accepted; a failure is followed by a reconcile, which believes nothing.
  let held = noEntries(family)
  return {
    mode: 'iptables',
    family,
    probe: async () => {
      try {
        await door.version()
        await door.save()
        return []
      } catch (error) {
        const missing = hasCode(error, 'SBX_COMMAND_NOT_FOUND')
        const name = missing ? 'iptables' : `${family} tables`
        return [{ name, detail: messageOf(error) }]
      }
    },
    renderStatic,
    renderService,
    diff: (changes) => diff(held, changes),
    reconcile,
    sizeOf,
    countRules,
    read: async () => parseIptablesSave(await door.save(), family).ruleset,
    apply: async (transaction, signal) => {
      await apply(transaction, signal)
      held = transaction.entries ?? held
    },
  }
}
