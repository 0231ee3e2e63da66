/** Failures that no service can cause: whoever looks for one to blame must not take these for its. */
import { hasCode } from '#lib'

const CODES = [
  'SBX_IPTABLES_LOCKED',
  'SBX_COMMAND_NOT_FOUND',
  'SBX_COMMAND_KILLED',
  'SBX_NETLINK_UNAVAILABLE',
  'SBX_NFT_DENIED',
] as const

export function isEnvironment(error: unknown): boolean {
  return CODES.some((code) => hasCode(error, code))
}
