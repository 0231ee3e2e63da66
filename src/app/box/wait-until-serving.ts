/** When a box may be called up: its nodes are Ready, cluster DNS has an endpoint, and every node's kernel leads to it. */
import type { EndpointSlice, Node } from '#api'
import { ENDPOINTSLICES, LABEL_SERVICE_NAME, NODES } from '#api'
import type { CommandResult } from '#kernel'
import { inNetns, netnsPath } from '#kernel'
import type { Topology } from '#lab'
import type { Clock } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'

export type WaitUntilServing = {
  readonly client: ApiClient
  readonly topology: Topology
  readonly clock: Clock
  readonly runOnHost: (file: string, args: readonly string[]) => Promise<CommandResult>
}

const TIMEOUT = 45_000
const POLL = 40

export async function waitUntilServing(options: WaitUntilServing): Promise<void> {
  const deadline = options.clock.monotonic() + TIMEOUT
  for (;;) {
    const lack = await firstLack(options).catch((error: unknown) => messageOf(error))
    if (lack === undefined) return
    if (options.clock.monotonic() > deadline)
      throw new SignalboxError('SBX_BOX_FAILED', `the box did not become ready: ${lack}`)
    await options.clock.sleep(POLL)
  }
}

async function firstLack(options: WaitUntilServing): Promise<string | undefined> {
  const { items } = await options.client.list<Node>(NODES)
  for (const { name } of options.topology.nodes) {
    const node = items.find((one) => one.metadata.name === name)
    const ready = node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    if (ready !== true) return `node ${name} is not Ready`
  }
  const slices = await options.client.list<EndpointSlice>(ENDPOINTSLICES, {
    namespace: 'kube-system',
    labelSelector: `${LABEL_SERVICE_NAME}=kube-dns`,
  })
  const endpoints = slices.items.flatMap((slice) => slice.endpoints ?? [])
  if (!endpoints.some((endpoint) => endpoint.conditions?.ready === true)) return 'cluster DNS has no ready endpoint'
  return lackingRules(options)
}

/** The one witness that a proxy has done its work is the kernel. */
async function lackingRules({ topology, runOnHost }: WaitUntilServing): Promise<string | undefined> {
  const save = topology.dnsAddress.includes(':') ? 'ip6tables-save' : 'iptables-save'
  for (const node of topology.nodes) {
    const [file, ...args] = inNetns(netnsPath(node.netns), [save, '-t', 'nat'])
    const { stdout } = await runOnHost(file, args)
    const leads = stdout
      .split('\n')
      .some((line) => line.includes(` ${topology.dnsAddress}/`) && line.includes('-j KUBE-SVC-'))
    if (!leads) return `the rules of ${node.name} do not lead to cluster DNS`
  }
  return undefined
}
