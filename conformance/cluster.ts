/**
 * kubectl with a whole cluster around its API server: the controllers, with no more rights than they have in a box, and a
 * node on which every pod runs at once and ends when it is asked to.
 */
import assert from 'node:assert/strict'

import type { Node, Pod } from '#api'
import { NODES, PODS } from '#api'
import { runControllers } from '#controllers'
import { messageOf, silentLogger, systemClock } from '#lib'
import type { ApiClient } from '#watch'
import { connectApi, createInformer } from '#watch'
import type { Kubectl } from './kubectl.ts'
import { startKubectl } from './kubectl.ts'

const NODE: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1' },
  status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
}

export type Cluster = Kubectl & {
  readonly client: ApiClient
  readonly problems: string[]
  readonly stop: () => Promise<void>
}

export async function startCluster(binary: string): Promise<Cluster> {
  const k = await startKubectl(binary)
  const abort = new AbortController()
  const { signal } = abort
  const clientOf = async (name: string, group: string): Promise<ApiClient> => {
    const { certificate, key } = await k.server.issueClientCertificate({ name, groups: [group] })
    const { url: server, caCertificate: ca } = k.server
    const connection = { server, ca, clientCertificate: certificate, clientKey: key, namespace: 'default' }
    return connectApi(connection, { clock: systemClock, signal })
  }
  const problems: string[] = []
  const say = (message: string, fields: object = {}): void => void problems.push(`${message} ${JSON.stringify(fields)}`)
  const logger = { ...silentLogger, warn: say, error: say }
  const client = await clientOf('admin', 'system:masters')
  await client.create(NODES, NODE)
  const controllers = await clientOf('system:kube-controller-manager', 'system:controllers')
  const running = runControllers({ client: controllers, clock: systemClock, logger, signal, random: Math.random })
  const pods = createInformer<Pod>({ client, resource: PODS, clock: systemClock, logger: silentLogger, signal })
  pods.onChange(({ after: pod }) => {
    if (pod !== undefined) runPod(client, pod).catch((error: unknown) => say(messageOf(error)))
  })
  return {
    ...k,
    client,
    problems,
    stop: async () => {
      abort.abort()
      await running
      await k.close()
    },
  }
}

async function runPod(client: ApiClient, pod: Pod): Promise<void> {
  const { namespace = '', name, deletionTimestamp } = pod.metadata
  const at = { namespace, name }
  const unlessGone = (error: unknown): void => {
    if (!/not found/.test(messageOf(error))) throw error
  }
  if (deletionTimestamp !== undefined) {
    await client.delete(PODS, at, { gracePeriodSeconds: 0 }).catch(unlessGone)
    return
  }
  if ((pod.spec.nodeName ?? '') === '' || pod.status?.phase === 'Running') return
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const body = {
    status: { phase: 'Running', podIP: '10.244.1.9', podIPs: [{ ip: '10.244.1.9' }], conditions: [ready] },
  }
  await client.patch(PODS, at, { type: 'merge', body, subresource: 'status' }).catch(unlessGone)
}

export type Readers = {
  readonly words: (args: readonly string[]) => Promise<readonly string[]>
  /** `kubectl get … -o name`, without the kind. */
  readonly names: (...args: string[]) => Promise<readonly string[]>
  /** `kubectl get …`, split into columns. */
  readonly rows: (...args: string[]) => Promise<readonly (readonly string[])[]>
  readonly eventually: (what: string, look: () => Promise<boolean>) => Promise<void>
}

/** Short forms of reading; `of` is asked at each use. */
export function readersOf(of: () => Cluster): Readers {
  const words = async (args: readonly string[]): Promise<readonly string[]> =>
    (await of().ok(args)).split(/\s+/).filter((word) => word !== '')
  const names = async (...args: string[]): Promise<readonly string[]> =>
    (await words(['get', ...args, '-o', 'name'])).map((name) => name.slice(name.indexOf('/') + 1))
  const rows = async (...args: string[]): Promise<readonly (readonly string[])[]> =>
    (await of().ok(['get', ...args, '--no-headers']))
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [line.split(/\s+/)]))
  const eventually = async (what: string, look: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < 200; tries += 1) {
      if (await look()) return
      await systemClock.sleep(25)
    }
    assert.fail(`${what}: did not happen; ${of().problems.join('\n')}`)
  }
  return { words, names, rows, eventually }
}
