/** When a box may be called up: its nodes are Ready, cluster DNS has an endpoint, and every node's kernel leads to it. */
import type { EndpointSlice, Node } from '#api'
import { ENDPOINTSLICES, LABEL_SERVICE_NAME, NODES } from '#api'
import type { Argv, CommandResult } from '#kernel'
import { inNetns, netnsPath } from '#kernel'
import type { Topology } from '#lab'
import type { Clock } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'

import { selfCommand } from '../self-command.ts'

export type WaitUntilServing = {
  readonly client: ApiClient
  readonly topology: Topology
  readonly mode: string
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
async function lackingRules({ topology, mode, runOnHost }: WaitUntilServing): Promise<string | undefined> {
  for (const node of topology.nodes) {
    const [file, ...args] = inNetns(netnsPath(node.netns), printRules(topology.dnsAddress, mode))
    const { stdout } = await runOnHost(file, args)
    const leads = stdout
      .split('\n')
      .some((line) => line.includes(` ${topology.dnsAddress}/`) && line.includes('-j KUBE-SVC-'))
    if (!leads && !leadsByElement(stdout, topology.dnsAddress)) {
      return `the rules of ${node.name} do not lead to cluster DNS`
    }
  }
  return undefined
}

function printRules(dnsAddress: string, mode: string): Argv {
  const six = dnsAddress.includes(':')
  if (mode === 'iptables') return [six ? 'ip6tables-save' : 'iptables-save', '-t', 'nat']
  const [file = '', ...args] = selfCommand()
  return [file, ...args, 'print-tables', '--family', six ? 'IPv6' : 'IPv4']
}

/** `10.96.0.10 . udp . 53 … : goto spread-1` */
function leadsByElement(text: string, dnsAddress: string): boolean {
  return text.split('\n').some((line) => line.includes(`${dnsAddress} . udp . 53 `) && /: goto spread-\d/.test(line))
}
