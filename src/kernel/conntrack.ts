/**
 * The door to the kernel's table of flows, as far as a service proxy needs it: UDP flows of one family, listed and deleted
 * one by one. Over netlink; through the `conntrack` tool where this process cannot speak netlink.
 */
import { hasCode, SignalboxError } from '#lib'
import { openConntrackTool } from './conntrack-tool.ts'
import type { ConntrackDoor, OpenConntrackOptions } from './flow.ts'
import { openConntrackNetlink } from './netlink/conntrack-netlink.ts'

/** @throws SBX_CAPABILITY_CONNTRACK if neither way works here */
export async function openConntrack({ family, runCommand }: OpenConntrackOptions): Promise<ConntrackDoor> {
  let reason: string
  try {
    return await openConntrackNetlink(family)
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    reason = error.message
  }
  try {
    const probe = await runCommand('conntrack', ['--count'])
    if (probe.status === 0) return openConntrackTool({ family, runCommand })
    reason += `; conntrack: ${probe.stderr.trim().split('\n', 1)[0] ?? ''}`
  } catch (error) {
    if (!hasCode(error, 'SBX_COMMAND_NOT_FOUND')) throw error
    reason += '; the conntrack tool is not installed'
  }
  throw new SignalboxError('SBX_CAPABILITY_CONNTRACK', `flows cannot be listed here: ${reason}`)
}
