/**
 * A pod's namespaces, held open by a process that does nothing, and its link to the node.
 *
 * The link is routed, point to point: the pod has a host address and a default route to the gateway address that the node's
 * end holds, the node has a host route to the link. No bridge: every packet of a pod passes the node's rules, also between
 * two pods of one node.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readlink, rm } from 'node:fs/promises'

import type { NetnsPath } from '#kernel'
import type { Clock } from '#lib'
import {
  addressAddLine,
  childProcesses,
  configureNetns,
  linkDeleteLine,
  linkUpLine,
  netnsOfProcess,
  readProcess,
  routeReplaceLine,
  vethAddLine,
} from '#kernel'
import { base32Hash, hasCode, SignalboxError } from '#lib'

import type { PodRoot } from './prepare-pod-root.ts'
import { preparePodRoot } from './prepare-pod-root.ts'

export interface PodSandbox {
  /** First process of the pod's PID namespace: the target of nsenter. */
  readonly pid: number
  readonly startTime: string
  readonly link: string | undefined
  /** Resolves when the namespaces' holder is gone, on purpose or not. */
  readonly exited: Promise<void>
  /** False from the moment its first process begins to die, before any of the others has. */
  isAlive(): Promise<boolean>
  /** The last known: true until the holder's exit was seen. */
  readonly alive: boolean
  /** Ends every process of the pod, then its link and its files. */
  destroy(): Promise<void>
}

export type PodSandboxOptions = {
  readonly uid: string
  readonly root: PodRoot
  /** Undefined: the pod lives in the node's network. */
  readonly network: { readonly addresses: readonly string[]; readonly gateways: readonly string[] } | undefined
  readonly clock: Clock
}

/**
 * Arguments: hostname, then pairs of source and target to mount. As the first process of a PID namespace it inherits orphans;
 * with SIGCHLD ignored the kernel reaps them (dash's `trap` does not really ignore it, env does).
 */
const HOLDER = `
set -e
hostname "$1"; shift
[ ! -e /proc/sys/net/ipv6 ] || [ "$NEW_NET" = 0 ] || echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
while [ $# -gt 0 ]; do
  mount --rbind "$1" "$2"
  shift 2
done
mount -t sysfs sysfs /sys 2>/dev/null || :
echo ready
env --ignore-signal=CHLD true 2>/dev/null && exec env --ignore-signal=CHLD sleep infinity
exec sleep infinity
`

/** @throws SBX_POD_SANDBOX_FAILED, or what `configureNetns` throws; nothing is left then */
export async function createPodSandbox(options: PodSandboxOptions): Promise<PodSandbox> {
  const { root, network, clock } = options
  await rm(root.folder, { recursive: true, force: true })
  await mkdir(root.folder, { recursive: true, mode: 0o700 })
  const link = network === undefined ? undefined : linkName(options.uid)
  const holder = await startHolder(options)
  const destroy = async (): Promise<void> => {
    await endHolder(holder, clock)
    if (link !== undefined) await deleteLink(link)
    await rm(root.folder, { recursive: true, force: true })
  }
  try {
    if (network !== undefined && link !== undefined) await connect(link, { ...network, pid: holder.pid })
  } catch (error) {
    await destroy()
    throw error
  }
  return {
    pid: holder.pid,
    startTime: holder.startTime,
    link,
    exited: holder.exited,
    get alive() {
      return holder.child.exitCode === null && holder.child.signalCode === null
    },
    // A dying process has lost its memory, and with it its program, before the kernel ends the rest of the namespace.
    isAlive: () =>
      readlink(`/proc/${holder.pid}/exe`).then(
        () => true,
        () => false,
      ),
    destroy,
  }
}

type Holder = {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  readonly pid: number
  readonly startTime: string
}

async function startHolder(options: PodSandboxOptions): Promise<Holder> {
  const { root, network } = options
  const mounts = await preparePodRoot(root)
  const net = network === undefined ? [] : ['--net']
  const unshare = [
    'unshare',
    ...net,
    '--mount',
    '--uts',
    '--ipc',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
  ]
  const script = ['sh', '-c', HOLDER, 'sh', root.hostname, ...mounts.flatMap(({ source, target }) => [source, target])]
  const child = spawn('setpriv', ['--pdeathsig=KILL', '--', ...unshare, '--', ...script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', NEW_NET: network === undefined ? '0' : '1' },
  })
  const errors: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  })
  await Promise.race([once(child.stdout, 'data').catch(() => undefined), exited])
  const pid = child.pid === undefined ? undefined : (await childProcesses(child.pid))[0]
  const entry = pid === undefined ? undefined : await readProcess(pid)
  if (pid === undefined || entry === undefined) {
    child.kill('SIGKILL')
    await exited
    await rm(root.folder, { recursive: true, force: true })
    const reason = Buffer.concat(errors).toString('utf8').trim().split('\n', 1)[0]
    throw new SignalboxError('SBX_POD_SANDBOX_FAILED', `the pod's namespaces could not be made: ${reason ?? ''}`)
  }
  return { child, exited, pid, startTime: entry.startTime }
}

/** The kernel ends a PID namespace with its first process, and `unshare` exits once all of it is gone. */
async function endHolder(holder: Holder, clock: Clock): Promise<void> {
  const current = await readProcess(holder.pid)
  if (current?.startTime === holder.startTime) process.kill(holder.pid, 'SIGKILL')
  const cancel = clock.after(5000, () => holder.child.kill('SIGKILL'))
  await holder.exited
  cancel()
}

/** 15 characters at the most, the same for the same pod. */
export function linkName(uid: string): string {
  return `veth${base32Hash(uid, 10).toLowerCase()}`
}

type Connection = {
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  readonly pid: number
}

async function connect(link: string, { addresses, gateways, pid }: Connection): Promise<void> {
  await configureNetns({
    lines: [
      vethAddLine(link, { name: 'eth0', netns: pid }),
      linkUpLine(link),
      ...gateways.map((gateway) =>
        addressAddLine(hostCidr(gateway, gateway.startsWith('fe80:') ? 64 : undefined), link),
      ),
      ...addresses.map((address) => routeReplaceLine({ to: hostCidr(address), dev: link })),
    ],
  })
  const netns: NetnsPath = netnsOfProcess(pid)
  await configureNetns({
    netns,
    lines: [
      linkUpLine('lo'),
      linkUpLine('eth0'),
      ...addresses.map((address) => addressAddLine(hostCidr(address), 'eth0')),
      // A gateway outside every prefix of the link is only accepted once it has a route of its own.
      ...gateways
        .filter((gateway) => !gateway.includes(':'))
        .map((gateway) => routeReplaceLine({ to: hostCidr(gateway), dev: 'eth0', onLink: true })),
      ...gateways.map((via) => routeReplaceLine({ to: via.includes(':') ? '::/0' : '0.0.0.0/0', via, dev: 'eth0' })),
    ],
  })
}

/** It may have gone with the pod's namespace already. */
export async function deleteLink(link: string): Promise<void> {
  try {
    await configureNetns({ lines: [linkDeleteLine(link)] })
  } catch (error) {
    if (!hasCode(error, 'SBX_LINK_NOT_FOUND')) throw error
  }
}

function hostCidr(address: string, length?: number): string {
  return `${address}/${length ?? (address.includes(':') ? 128 : 32)}`
}
