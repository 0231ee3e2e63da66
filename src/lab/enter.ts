/**
 * How a process outside the box runs a command in one of its places. Two steps, because a pod's processes have numbers that
 * only mean something inside: first into the sandbox by the host's number, then onward by the sandbox's.
 *
 * nsenter keeps terminal, stdin and environment, and ends as its child ends, so exit status and signals come through.
 */
import type { Argv } from '#kernel'
import { inNamespacesOf, inNetns, netnsPath } from '#kernel'

import { DEFAULT_PATH } from './node-agent/container-env.ts'
import type { PodRecord } from './node-agent/pod-record.ts'

/** To be spawned as it is: the environment is the whole environment. */
export type EnterCommand = { readonly argv: Argv; readonly env?: Readonly<Record<string, string>> }

/** In the sandbox's own namespaces: the underlay. */
export function enterSandbox(hostPid: number, argv: Argv): EnterCommand {
  // --preserve-credentials: without root nobody may call setgroups() on the way in, and the mapping makes us root anyway.
  const into = ['--user', '--preserve-credentials', '--mount', '--net', '--pid', '--uts', '--ipc']
  return { argv: ['nsenter', `--target=${hostPid}`, ...into, '--', ...argv] }
}

/** In the network namespace of a node, the control plane or the client. */
export function enterHost(hostPid: number, host: { readonly netns: string }, argv: Argv): EnterCommand {
  return enterSandbox(hostPid, inNetns(netnsPath(host.netns), argv))
}

export type EnterPodOptions = {
  readonly hostPid: number
  readonly pod: PodRecord
  /** The first if not given. */
  readonly container?: string
  readonly argv: Argv
  /** Of the caller: `TERM` is passed on so that full-screen programs work. */
  readonly term?: string
}

/** In a pod, with its container's environment. */
export function enterPod({ hostPid, pod, container, argv, term }: EnterPodOptions): EnterCommand {
  const chosen = pod.containers.find((candidate) => container === undefined || candidate.name === container)
  const inside = inNamespacesOf(pod.pid, ['mount', 'net', 'uts', 'ipc', 'pid'], argv)
  // A container that has not started yet has no environment; the tools must be found all the same.
  const env = { PATH: DEFAULT_PATH, ...chosen?.env, ...(term === undefined ? {} : { TERM: term }) }
  return { ...enterSandbox(hostPid, inside), env }
}
