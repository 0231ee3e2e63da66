/** What runs in a box and how it is. */
import { resolve } from 'node:path'

import type { Node, Pod } from '#api'
import { NODES, PODS } from '#api'
import { messageOf, systemClock } from '#lib'
import { connectApi, loadKubeconfig } from '#watch'

import type { RelayRecord } from './box-record.ts'
import { defaultStateDir, isAlive, readBox } from './box-record.ts'

export type BoxStatus = {
  readonly running: boolean
  /** Running, the API answers and every node is Ready. */
  readonly healthy: boolean
  readonly stateDir: string
  readonly mode?: string
  readonly kubeconfig?: string
  readonly nodes: readonly {
    readonly name: string
    readonly addresses: readonly string[]
    readonly ready: boolean
    readonly pods: number
  }[]
  readonly relays: readonly RelayRecord[]
  /** Why it is not healthy. */
  readonly problems: readonly string[]
}

export async function boxStatus(given: string | undefined): Promise<BoxStatus> {
  const record = readBox(given)
  if (record === undefined) {
    const stateDir = resolve(given ?? defaultStateDir())
    return { running: false, healthy: false, stateDir, nodes: [], relays: [], problems: ['no box is running'] }
  }
  const { nodes, pods, problems } = await ask(record.kubeconfig)
  const listed = record.nodes.map(({ name, addresses }) => ({
    name,
    addresses,
    ready: nodes.find((node) => node.metadata.name === name)?.status?.conditions?.some(isReady) === true,
    pods: pods.filter((pod) => pod.spec.nodeName === name).length,
  }))
  const all = [
    ...problems,
    ...(isAlive(record.init) ? [] : ['the sandbox has ended']),
    ...listed.filter(({ ready }) => !ready).map(({ name }) => `node ${name} is not Ready`),
  ]
  return {
    running: true,
    healthy: all.length === 0,
    stateDir: record.stateDir,
    mode: record.mode,
    ...(record.kubeconfig === undefined ? {} : { kubeconfig: record.kubeconfig }),
    nodes: listed,
    relays: record.relays,
    problems: all,
  }
}

function isReady({ type, status }: { type: string; status: string }): boolean {
  return type === 'Ready' && status === 'True'
}

async function ask(
  kubeconfig: string | undefined,
): Promise<{ nodes: readonly Node[]; pods: readonly Pod[]; problems: string[] }> {
  if (kubeconfig === undefined) return { nodes: [], pods: [], problems: ['this box has no kubeconfig'] }
  try {
    const client = connectApi(loadKubeconfig({ path: kubeconfig }), {
      clock: systemClock,
      userAgent: 'signalbox-status',
      timeout: 5000,
    })
    const [nodes, pods] = await Promise.all([client.list<Node>(NODES), client.list<Pod>(PODS)])
    return { nodes: nodes.items, pods: pods.items, problems: [] }
  } catch (error) {
    return { nodes: [], pods: [], problems: [`the API does not answer: ${messageOf(error)}`] }
  }
}

export function formatBoxStatus(status: BoxStatus): string {
  if (!status.running) return `no box is running in ${status.stateDir}\n`
  const lines = [
    `box         ${status.healthy ? 'healthy' : 'NOT HEALTHY'}, ${status.mode ?? ''} mode`,
    `state       ${status.stateDir}`,
    `kubeconfig  ${status.kubeconfig ?? 'none'}`,
    ...status.nodes.map(
      ({ name, addresses, ready, pods }) =>
        `node        ${name}  ${addresses.join(', ')}  ${ready ? 'Ready' : 'NotReady'}  ${pods} pods`,
    ),
    ...status.relays.map(
      ({ name, protocol, listen, target }) => `relay       ${listen}/${protocol} -> ${target}  ${name}`,
    ),
    ...status.problems.map((problem) => `problem     ${problem}`),
  ]
  return `${lines.join('\n')}\n`
}
