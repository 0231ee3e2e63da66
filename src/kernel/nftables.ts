/**
 * The door to nf_tables, one address family at a time, spoken over netlink from this process: transactions in, tables out.
 * No `nft` binary takes part.
 *
 * @throws from every call: SBX_NETLINK_UNAVAILABLE where the kernel cannot be spoken to, and from `apply`
 *   SBX_NFT_NOT_FOUND, SBX_NFT_EXISTS, SBX_NFT_BUSY, SBX_NFT_GENERATION, SBX_NFT_DENIED, SBX_NFT_REJECTED with the change at
 *   fault in `facts` (`change`: its place in the batch, `object`: its name in words), and SBX_NETLINK_TOO_LARGE where the
 *   batch is more than this process may send at once. A refused batch has changed nothing.
 */
import type { NftChange, NftFamily, NftTable } from '#rulesets/nftables'
import { messageOf, SignalboxError } from '#lib'

import { describeChange, encodeBatch } from './netlink/encode-batch.ts'
import { ERRNO } from './netlink/errno.ts'
import type { NetlinkError } from './netlink/messages.ts'
import { nftFailure } from './netlink/nft-failure.ts'
import { NETLINK_NETFILTER, NFNLGRP_NFTABLES } from './netlink/nft-constants.ts'
import { listTables, readGeneration, readTable } from './netlink/read-table.ts'
import { openNetlink, type NetlinkSocket } from './netlink/socket.ts'
import { probeChanges } from './probe-nftables.ts'

/** All or nothing, on one table. */
export type NftBatch = {
  readonly table: string
  readonly changes: readonly NftChange[]
  /** What `generation()` said when the caller last looked: if anybody has changed anything since, nothing is done. */
  readonly generation?: number
}

export type NftApplied = { readonly messages: number; readonly bytes: number }

export type NftProbe = { readonly usable: true } | { readonly usable: false; readonly reason: string }

export interface NftablesDoor {
  readonly family: NftFamily
  /** One atomic transaction. */
  apply(batch: NftBatch): Promise<NftApplied>
  /** `undefined` if there is no such table. Elements of sets without intervals are in no particular order. */
  read(table: string): Promise<NftTable | undefined>
  /** Names of the tables of this family. */
  tables(): Promise<readonly string[]>
  /** Counts every committed transaction in this network namespace, of all families and programs. */
  generation(): Promise<number>
  /** Calls back soon after anybody, this process included, has committed a transaction: time to compare generations. */
  watch(onChange: () => void): Promise<{ readonly stop: () => void }>
  /** Whether the kernel takes what a service proxy writes; leaves nothing behind. */
  probe(): Promise<NftProbe>
  close(): void
}

/** The namespace is the one the process is in now. @throws SBX_NETLINK_UNAVAILABLE */
export async function openNftables({ family }: { readonly family: NftFamily }): Promise<NftablesDoor> {
  const socket = await openNetlink(NETLINK_NETFILTER)
  const source = { socket, family }
  return {
    family,
    apply: (batch) => settle(() => apply(source, batch)),
    read: (table) => settle(() => readTable(source, table)),
    tables: () => settle(() => listTables(source)),
    generation: () => settle(() => readGeneration(socket)),
    watch: async (onChange) => {
      const listener = await openNetlink(NETLINK_NETFILTER, NFNLGRP_NFTABLES)
      const watching = listener.watch(onChange)
      return {
        stop: () => {
          watching.stop()
          listener.close()
        },
      }
    },
    probe: () => settle(() => probe(source)),
    close: () => socket.close(),
  }
}

type Source = { readonly socket: NetlinkSocket; readonly family: NftFamily }

/** The work itself is synchronous: it is over before anything else runs, so that transactions cannot mix. */
function settle<Result>(work: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    resolve(work())
  })
}

function apply({ socket, family }: Source, batch: NftBatch): NftApplied {
  const encoded = encodeBatch({ family, ...batch })
  const errors = socket.transact(encoded.data)
  const [first] = errors.toSorted((a, b) => a.sequence - b.sequence)
  if (first !== undefined) throw failureOf(first, batch, encoded.changeOf(first.sequence))
  return { messages: encoded.messages, bytes: encoded.data.byteLength }
}

function failureOf(error: NetlinkError, batch: NftBatch, index: number): SignalboxError {
  const change = batch.changes[index]
  if (change === undefined) {
    // Errors about the batch as a whole carry the number of its frame.
    const what = error.errno === ERRNO.ERESTART ? 'somebody else has changed the ruleset' : `table ${batch.table}`
    return nftFailure(error, what, { object: `table ${batch.table}` })
  }
  const object = describeChange(change)
  return nftFailure(error, `${change.change} ${object} in table ${batch.table}`, { object, change: index })
}

function probe(source: Source): NftProbe {
  const table = `signalbox-probe-${process.pid}`
  try {
    apply(source, { table, changes: probeChanges(source.family) })
    apply(source, { table, changes: [{ change: 'delete-table' }] })
    return { usable: true }
  } catch (error) {
    if (error instanceof SignalboxError) return { usable: false, reason: messageOf(error) }
    throw error
  }
}
