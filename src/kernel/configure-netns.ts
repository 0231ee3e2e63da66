/**
 * Applies settings and `ip` commands to a network namespace, in one child process however many there are. A batch stops at
 * its first failure; what came before stays.
 */
import type { IpLine } from './links.ts'
import type { NetnsPath } from './netns.ts'
import type { Sysctl } from './sysctl.ts'
import { SignalboxError } from '#lib'

import { inNetns } from './netns.ts'
import { runCommand } from './run-command.ts'

export type NetnsChange = {
  /** The caller's own if not given. */
  readonly netns?: NetnsPath
  readonly sysctls?: readonly Sysctl[]
  readonly lines?: readonly IpLine[]
}

/**
 * Reads `required path value` lines up to `end`, then leaves the rest of its input to ip. The shell's `read` takes a pipe
 * byte by byte, so nothing of the rest is lost.
 */
const SCRIPT = `
while read -r need path value && [ "$need" != end ]; do
  if [ -e "/proc/sys/$path" ]; then
    echo "$value" > "/proc/sys/$path" || exit 1
  elif [ "$need" = required ]; then
    echo "no sysctl $path" >&2
    exit 1
  fi
done
exec ip -batch -
`

/** @throws SBX_LINK_EXISTS, SBX_LINK_NOT_FOUND, SBX_LINK_FORBIDDEN or SBX_LINK_REJECTED */
export async function configureNetns(change: NetnsChange): Promise<void> {
  const settings = (change.sysctls ?? []).map(
    ({ path, value, optional }) => `${optional === true ? 'optional' : 'required'} ${path} ${value}\n`,
  )
  const lines = (change.lines ?? []).map((text) => `${text}\n`)
  const input = `${settings.join('')}end\n${lines.join('')}`
  const shell = ['sh', '-c', SCRIPT] as const
  const [file, ...args] = change.netns === undefined ? shell : inNetns(change.netns, shell)
  const { status, stderr } = await runCommand(file, args, { input })
  if (status !== 0) throw classifyIpFailure(stderr, change.netns)
}

/** iproute2 does not translate the kernel's errors, so its first line is a stable classifier. */
export function classifyIpFailure(stderr: string, netns: NetnsPath | undefined): SignalboxError {
  const first = stderr.trim().split('\n', 1)[0] ?? ''
  const where = netns === undefined ? '' : ` in ${netns}`
  const facts = { stderr: stderr.slice(0, 1000) }
  const message = `cannot configure the network${where}: ${first}`
  if (/File exists/.test(first)) return new SignalboxError('SBX_LINK_EXISTS', message, { facts })
  if (/Cannot find device|No such (device|process|file)|does not exist/.test(first)) {
    return new SignalboxError('SBX_LINK_NOT_FOUND', message, { facts })
  }
  if (/not permitted|Permission denied/.test(first)) return new SignalboxError('SBX_LINK_FORBIDDEN', message, { facts })
  return new SignalboxError('SBX_LINK_REJECTED', message, { facts })
}
