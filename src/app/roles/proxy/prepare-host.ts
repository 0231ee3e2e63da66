/** What a proxy sets on its host once, at the start: limits and timeouts of connection tracking, and its own OOM score. */
import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'

import type { Sysctl } from '#kernel'
import { readSysctl, writeSysctls } from '#kernel'
import type { Logger } from '#lib'
import { messageOf } from '#lib'
import type { KubeProxyConfiguration } from '#proxy'
import { CONNTRACK_PATHS, planConntrack } from '#proxy'

const HASH_SIZE = '/sys/module/nf_conntrack/parameters/hashsize'

/**
 * CT-12. kube-proxy ends when one of these cannot be written; here that is a warning, since services work all the same in
 * a container with a read-only /proc/sys. With `strict` (--init-only) it is an error.
 */
export async function prepareConntrack(
  conntrack: KubeProxyConfiguration['conntrack'],
  logger: Logger,
  strict: boolean,
): Promise<void> {
  const found = new Map<string, string>()
  for (const path of Object.values(CONNTRACK_PATHS)) {
    const value = await readSysctl(path)
    if (value !== undefined) found.set(path, value)
  }
  const hashSize = await readNumber(HASH_SIZE)
  const plan = planConntrack({ conntrack, cores: availableParallelism(), found, hashSize })
  const attempt = async (what: string, write: () => Promise<unknown>): Promise<void> => {
    try {
      await write()
    } catch (error) {
      if (strict) throw error
      logger.warn('a setting of connection tracking cannot be written', { setting: what, message: messageOf(error) })
    }
  }
  for (const sysctl of plan.sysctls) await attempt(sysctl.path, () => writeSysctls([sysctl]))
  if (plan.hashSize !== undefined) await attempt('hashsize', () => writeFile(HASH_SIZE, String(plan.hashSize)))
}

/** Equal values are not written again: --init-only may have written them with more rights. */
export async function writeWhatDiffers(sysctls: readonly Sysctl[]): Promise<void> {
  for (const sysctl of sysctls) {
    if ((await readSysctl(sysctl.path)) !== sysctl.value) await writeSysctls([sysctl])
  }
}

/** Without the right to lower it the process runs as any other. */
export async function adjustOomScore(score: number, logger: Logger): Promise<void> {
  try {
    await writeFile('/proc/self/oom_score_adj', String(score))
  } catch (error) {
    logger.debug('the OOM score cannot be set', { message: messageOf(error) })
  }
}

/** IPT-12: read once. */
export async function isTcpLiberal(): Promise<boolean> {
  return ((await readSysctl(CONNTRACK_PATHS.tcpBeLiberal)) ?? '0') !== '0'
}

async function readNumber(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}
