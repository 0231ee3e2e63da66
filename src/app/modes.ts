/** The proxy modes there are, and which one to take where nobody said. */
import { openNftables } from '#kernel'
import { SignalboxError } from '#lib'

export const KNOWN_MODES = ['nftables', 'iptables'] as const

export type KnownMode = (typeof KNOWN_MODES)[number]

/** nftables where this network namespace's kernel takes what we write, else iptables. */
export const AUTOMATIC = 'auto'

/** Where nobody said: kube-proxy's own default, until nftables has been proven as long (docs/adr/0010). */
export const DEFAULT_MODE: KnownMode = 'iptables'

/** @throws SBX_CLI_USAGE naming the modes there are */
export function requireKnownMode(mode: string): asserts mode is KnownMode {
  if ((KNOWN_MODES as readonly string[]).includes(mode)) return
  throw new SignalboxError('SBX_CLI_USAGE', `there is no proxy mode ${mode} (yet); there is: ${KNOWN_MODES.join(', ')}`)
}

/** @throws SBX_CLI_USAGE */
export function requireKnownModeOrAutomatic(mode: string): asserts mode is KnownMode | typeof AUTOMATIC {
  if (mode !== AUTOMATIC) requireKnownMode(mode)
}

/** Asked in the network namespace that the proxy works in: outside it there may be no right to ask. */
export async function chooseMode(wanted: string): Promise<KnownMode> {
  if (wanted !== AUTOMATIC) {
    requireKnownMode(wanted)
    return wanted
  }
  return (await nftablesIsUsable()) ? 'nftables' : 'iptables'
}

async function nftablesIsUsable(): Promise<boolean> {
  try {
    const door = await openNftables({ family: 'ip' })
    try {
      return (await door.probe()).usable
    } finally {
      door.close()
    }
  } catch {
    return false
  }
}
