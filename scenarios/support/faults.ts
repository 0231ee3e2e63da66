/** Doors and an API that fail one call in ten, in the ways that they do fail; sometimes after the work is done. */
import type { KubeObject } from '#api'
import type { IptablesDoor, NftablesDoor } from '#kernel'
import type { Clock, ErrorCode } from '#lib'
import { SignalboxError, systemClock } from '#lib'
import type { ApiClient } from '#watch'

import type { Random } from './random-cluster.ts'

export type Faults = {
  readonly random: Random
  readonly share: number
  /** Faults so far. */
  count: number
}

export function createFaults(random: Random, share = 0.1): Faults {
  return { random, share, count: 0 }
}

function strikes(faults: Faults): boolean {
  const struck = faults.random.chance(faults.share)
  if (struck) faults.count += 1
  return struck
}

async function risk<T>(faults: Faults, codes: readonly ErrorCode[], work: () => Promise<T>): Promise<T> {
  if (!strikes(faults)) return work()
  const code = codes[faults.random.below(codes.length)] ?? 'SBX_COMMAND_KILLED'
  // Killed by its time limit, or the answer lost: what was asked for may have been done.
  if (faults.random.chance(0.5)) await work()
  throw new SignalboxError(code, 'injected')
}

/** Of the machine, not of a service: one that is refused for its own sake stays out until it changes, by design. */
const IPTABLES = ['SBX_IPTABLES_LOCKED', 'SBX_COMMAND_KILLED'] as const
const NFTABLES = ['SBX_NETLINK_UNAVAILABLE', 'SBX_NFT_DENIED'] as const

export function faultyIptables(door: IptablesDoor, faults: Faults): IptablesDoor {
  return {
    ...door,
    save: () => risk(faults, IPTABLES, () => door.save()),
    restore: (text) => risk(faults, IPTABLES, () => door.restore(text)),
  }
}

export function faultyNftables(door: NftablesDoor, faults: Faults): NftablesDoor {
  return {
    ...door,
    read: (table) => risk(faults, NFTABLES, () => door.read(table)),
    apply: (batch) => risk(faults, NFTABLES, () => door.apply(batch)),
  }
}

const LOST = ['SBX_API_UNAVAILABLE', 'SBX_API_EXPIRED'] as const

/** Lists fail; watches fail to start, lose their place before an event, or end. */
export function faultyApi(client: ApiClient, faults: Faults): ApiClient {
  const lost = (): SignalboxError => {
    return new SignalboxError(LOST[faults.random.below(LOST.length)] ?? 'SBX_API_UNAVAILABLE', 'injected')
  }
  return {
    ...client,
    list: async (resource, options) => {
      if (strikes(faults)) throw lost()
      return client.list(resource, options)
    },
    watch: async function* <T extends KubeObject>(...[resource, options, signal]: Parameters<ApiClient['watch']>) {
      if (strikes(faults)) throw lost()
      for await (const event of client.watch<T>(resource, options, signal)) {
        if (strikes(faults)) {
          if (faults.random.chance(0.5)) return
          throw lost()
        }
        yield event
      }
    },
  }
}

/** Time for the impatient: waits take a twentieth. */
export const hastyClock: Clock = {
  ...systemClock,
  after: (milliseconds, task) => systemClock.after(milliseconds / 20, task),
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 20, signal),
}
