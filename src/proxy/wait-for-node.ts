/**
 * Waits until the Node object says what rules depend on (OP-16): an address for a while, and then goes on without; in
 * NodeCIDR mode its pod CIDRs, without which every pod would be taken for a stranger. Later changes of either are taken up
 * in place, by a full sync.
 */
import type { ClusterState } from '#api'
import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'
import { nodeFactsOf } from '#model'
import type { ProxyConfig } from './config.ts'

export type WaitForNodeOptions = {
  readonly state: ClusterState
  readonly nodeName: string
  readonly config: ProxyConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

const POLL = 100
const POD_CIDR_SECONDS = 300

/** @throws SBX_PROXY_NO_POD_CIDR */
export async function waitForNode(options: WaitForNodeOptions): Promise<void> {
  const { nodeName, config, logger } = options
  const facts = () => nodeFactsOf(nodeName, options.state.node(nodeName))
  if (
    !(await until(options, config.nodeWaitSeconds, () => facts().addresses.length > 0)) &&
    config.nodeWaitSeconds > 0
  ) {
    logger.warn('the node has no address (yet)', { node: nodeName })
  }
  if (config.detectLocalMode !== 'NodeCIDR') return
  if (await until(options, POD_CIDR_SECONDS, () => facts().podCIDRs.length > 0)) return
  if (options.signal.aborted) return
  throw new SignalboxError(
    'SBX_PROXY_NO_POD_CIDR',
    `node ${nodeName} has no pod CIDR, and detectLocalMode is NodeCIDR`,
    {
      facts: { node: nodeName },
    },
  )
}

async function until(options: WaitForNodeOptions, seconds: number, isTrue: () => boolean): Promise<boolean> {
  const { clock, signal } = options
  const end = clock.monotonic() + seconds * 1000
  while (!isTrue()) {
    if (clock.monotonic() >= end || signal.aborted) return false
    try {
      await clock.sleep(POLL, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return true
}
