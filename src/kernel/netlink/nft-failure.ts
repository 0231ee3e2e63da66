/** What the kernel's refusal of a transaction means. */
import { SignalboxError, type ErrorFacts } from '#lib'

import { ERRNO, errnoName } from './errno.ts'

/**
 * - SBX_NFT_NOT_FOUND: a table, chain, set or element the change relies on is not there.
 * - SBX_NFT_EXISTS: it is there already, and is not the same.
 * - SBX_NFT_BUSY: it is in use, or does not fit what uses it.
 * - SBX_NFT_GENERATION: somebody else has changed the ruleset since it was looked at.
 * - SBX_NFT_DENIED: this process may not.
 * - SBX_NFT_REJECTED: anything else.
 */
export function nftFailure(
  { errno, message }: { readonly errno: number; readonly message?: string },
  what: string,
  facts: ErrorFacts = {},
): SignalboxError {
  const said = message === undefined ? errnoName(errno) : `${errnoName(errno)} (${message})`
  return new SignalboxError(codeOf(errno), `${what}: ${said}`, { facts: { ...facts, errno } })
}

function codeOf(errno: number): `SBX_NFT_${string}` {
  switch (errno) {
    case ERRNO.ENOENT:
      return 'SBX_NFT_NOT_FOUND'
    case ERRNO.EEXIST:
      return 'SBX_NFT_EXISTS'
    case ERRNO.EBUSY:
      return 'SBX_NFT_BUSY'
    case ERRNO.ERESTART:
      return 'SBX_NFT_GENERATION'
    case ERRNO.EPERM:
      return 'SBX_NFT_DENIED'
    default:
      return 'SBX_NFT_REJECTED'
  }
}
