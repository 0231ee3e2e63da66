/**
 * Puts the node cache's addresses on this node: on a dummy link of its own, or on the loopback where the kernel has no
 * dummy links. What was there before stays there in the end.
 */
import { mustRun, runCommand } from '#kernel'
import type { Logger } from '#lib'
import { messageOf } from '#lib'

export const LINK = 'nodelocaldns'

/** Resolves with what takes them away. */
export async function holdAddresses(addresses: readonly string[], logger: Logger): Promise<() => Promise<void>> {
  const made = await runCommand('ip', ['link', 'add', LINK, 'type', 'dummy'])
  const exists = /File exists/.test(made.stderr)
  const own = made.status === 0
  if (!own && !exists) logger.info('no dummy links here: the addresses go to lo', { reason: made.stderr.trim() })
  const link = own || exists ? LINK : 'lo'
  if (link === LINK) await mustRun('ip', ['link', 'set', LINK, 'up'])
  const added: string[] = []
  for (const address of addresses) {
    const host = `${address}/${address.includes(':') ? 128 : 32}`
    const known = await mustRun('ip', ['-o', 'address', 'show', 'dev', link, 'to', host])
    if (known.trim() !== '') continue
    // nodad: the address is to be used at once, and nobody else on a dummy link could have it.
    await mustRun('ip', ['address', 'add', host, 'dev', link, ...(address.includes(':') ? ['nodad'] : [])])
    added.push(host)
  }
  return async () => {
    try {
      if (own) await mustRun('ip', ['link', 'delete', LINK])
      else for (const host of added) await mustRun('ip', ['address', 'delete', host, 'dev', link])
    } catch (error) {
      logger.warn('addresses were not taken away', { error: messageOf(error) })
    }
  }
}
