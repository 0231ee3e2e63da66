/**
 * Names of network namespaces and how a program is started in one. Node.js cannot change its own namespace, so every
 * crossing is a child behind util-linux `nsenter`.
 *
 * `ip netns exec` is not used for that: it also unshares the mount namespace and remounts /sys, and mounts made below it
 * would be invisible to everybody else.
 */

/** Path of a namespace file: `/run/netns/NAME` or `/proc/PID/ns/net`. */
export type NetnsPath = string

/** A command line: program first, never seen by a shell. */
export type Argv = readonly [string, ...string[]]

export type NamespaceKind = 'mount' | 'net' | 'pid' | 'uts' | 'ipc'

export function netnsPath(name: string): NetnsPath {
  return `/run/netns/${name}`
}

export function netnsOfProcess(pid: number): NetnsPath {
  return `/proc/${pid}/ns/net`
}

/** `argv` in the network namespace `netns`, in all else where the caller is. The program replaces nsenter: same pid. */
export function inNetns(netns: NetnsPath, argv: Argv): Argv {
  return ['nsenter', `--net=${netns}`, '--', ...argv]
}

/**
 * `argv` in the namespaces of a process. With `pid` among them nsenter stays as the parent (a PID namespace is entered by
 * children only) and passes on the exit status, or the signal that ended its child.
 */
export function inNamespacesOf(pid: number, kinds: readonly NamespaceKind[], argv: Argv): Argv {
  return ['nsenter', `--target=${pid}`, ...kinds.map((kind) => `--${kind}`), '--', ...argv]
}
