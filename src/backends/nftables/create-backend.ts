/** nftables mode as a backend: the pure stages of this folder plus one door to the kernel. */
import type { Backend } from '#backends/shared'
import type { NftablesDoor } from '#kernel'
import type { Family } from '#lib'
import { messageOf } from '#lib'
import { createApplier } from './apply-transaction.ts'
import { diff } from './diff.ts'
import { TABLE } from './names.ts'
import type { Fragment, Static } from './program.ts'
import type { Live } from './reconcile.ts'
import { reconcile } from './reconcile.ts'
import { renderService } from './render-service.ts'
import { renderStatic } from './render-static.ts'
import type { Transaction } from './transaction.ts'
import { sizeOf } from './transaction.ts'

export type NftablesBackend = Backend<Static, Fragment, Transaction, Live>

export function createNftablesBackend(door: NftablesDoor): NftablesBackend {
  const family: Family = door.family === 'ip6' ? 'IPv6' : 'IPv4'
  const applier = createApplier(door)
  return {
    mode: 'nftables',
    family,
    probe: async () => {
      try {
        const found = await door.probe()
        return found.usable ? [] : [{ name: 'nf_tables', detail: found.reason }]
      } catch (error) {
        return [{ name: 'nf_tables', detail: messageOf(error) }]
      }
    },
    renderStatic,
    renderService,
    diff: (changes) => diff(family, changes, applier.owners),
    reconcile,
    sizeOf,
    read: () => door.read(TABLE),
    apply: (transaction, signal) => applier.apply(transaction, signal),
  }
}
