/**
 * Registers the node and keeps saying that it lives: every ten seconds its Lease, and its status where that differs from what
 * the API server has (nobody else's opinion of Ready stands while the agent runs).
 */
import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, release, totalmem } from 'node:os'
import { isDeepStrictEqual } from 'node:util'

import type { Lease, Node } from '#api'
import type { ApiClient } from '#watch'
import type { Clock, Logger } from '#lib'
import { LEASES, NODES } from '#api'
import { hasCode, messageOf } from '#lib'

import type { NodeFacts } from './node-context.ts'
import type { HostFacts } from './node-object.ts'
import { nodeLabels, nodeObject, nodeStatus, podCidrSpec } from './node-object.ts'
import { microTimestamp, timestamp } from './timestamp.ts'

export type KeepNodeOptions = {
  readonly client: ApiClient
  readonly node: NodeFacts
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Once, when the API server knows the node as Ready. */
  readonly onRegistered?: () => void
}

const PERIOD = 10_000
const RETRY = 500
const LEASE_NAMESPACE = 'kube-node-lease'
const LEASE_SECONDS = 40

/** Resolves when aborted. */
export async function keepNode(options: KeepNodeOptions): Promise<void> {
  const { clock, logger, signal, node } = options
  const host = await readHostFacts()
  let registered = false
  while (!signal.aborted) {
    let pause = PERIOD
    try {
      await beat(options, host)
      if (!registered) options.onRegistered?.()
      registered = true
    } catch (error) {
      pause = RETRY
      if (!signal.aborted) logger.warn('node not reported', { node: node.name, error: messageOf(error) })
    }
    await clock.sleep(pause, signal).catch(() => undefined)
  }
}

async function beat(options: KeepNodeOptions, host: HostFacts): Promise<void> {
  const current = await register(options)
  const status = nodeStatus(options.node, host, { now: timestamp(options.clock), previous: current.status })
  if (!isDeepStrictEqual(status, current.status)) await options.client.updateStatus<Node>(NODES, { ...current, status })
  await renewLease(options, current)
}

async function register({ client, node }: KeepNodeOptions): Promise<Node> {
  const found = await orUndefined(client.get<Node>(NODES, { name: node.name }))
  if (found === undefined) return client.create(NODES, nodeObject(node))
  const labels = { ...found.metadata.labels, ...nodeLabels(node) }
  // A pod CIDR, once set, may not change (api-server.md 14.5).
  const spec = found.spec?.podCIDR === undefined ? { ...found.spec, ...podCidrSpec(node) } : found.spec
  const wanted = { ...found, spec, metadata: { ...found.metadata, labels } }
  return isDeepStrictEqual(wanted, found) ? found : client.update<Node>(NODES, wanted)
}

async function renewLease({ client, node, clock }: KeepNodeOptions, owner: Node): Promise<void> {
  const now = microTimestamp(clock)
  const at = { namespace: LEASE_NAMESPACE, name: node.name }
  const spec = { holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime: now }
  const found = await orUndefined(client.get<Lease>(LEASES, at))
  if (found !== undefined) {
    await client.update<Lease>(LEASES, { ...found, spec: { ...found.spec, ...spec } })
    return
  }
  const { name, uid = '' } = owner.metadata
  await client.create<Lease>(LEASES, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...at, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
    spec,
  })
}

async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (hasCode(error, 'SBX_API_NOT_FOUND')) return undefined
    throw error
  }
}

async function readHostFacts(): Promise<HostFacts> {
  const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
  const [osRelease, machineId, bootId] = await Promise.all([
    text('/etc/os-release'),
    text('/etc/machine-id'),
    text('/proc/sys/kernel/random/boot_id'),
  ])
  const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: architectures[arch()] ?? arch(),
    machineId: machineId.trim(),
    bootId: bootId.trim(),
  }
}
