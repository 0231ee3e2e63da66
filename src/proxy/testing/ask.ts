/**
 * "Who answers?": a packet, said by where it comes from, put to a mode's rendered program, and the answer in words:
 * `REJECT`, `DROP`, `untouched`, or the endpoints it may reach, each with a `*` where its source is masqueraded.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointSlice, Service } from '#api'
import { clusterStateOf } from '#api'
import type { Evaluation as IptablesEvaluation, HostFacts, Packet } from '#backends/iptables'
import type { Family } from '#lib'
import type { NodeFacts } from '#model'
import type { ProxyConfig } from '../config.ts'
import { DEFAULT_PROXY_CONFIG } from '../config.ts'
import { here, there } from './objects.ts'

export type World = {
  readonly services: readonly Service[]
  readonly slices?: readonly EndpointSlice[]
  readonly config?: Partial<ProxyConfig>
  readonly family?: Family
}

type IptablesOutcome = IptablesEvaluation['outcomes'][number]

/** What every mode's evaluator says alike. */
export type Evaluation = {
  readonly outcomes: readonly (Pick<IptablesOutcome, 'probability' | 'verdict' | 'translated'> & {
    readonly steps: readonly Pick<IptablesOutcome['steps'][number], 'effect'>[]
  })[]
  readonly refused?: { readonly reason: string }
}

export type ModeUnderTest = {
  readonly mode: string
  readonly evaluate: (input: {
    readonly state: ReturnType<typeof clusterStateOf>
    readonly node: NodeFacts
    readonly config: ProxyConfig
    readonly family: Family
    readonly packet: Packet
    readonly host: HostFacts
  }) => Evaluation
  readonly skip: readonly { readonly id: string; readonly reason: string }[]
}

/** Where a packet starts: `pod` and `node` on this node, `other-pod` on another, `outside`, or an own address. */
export type From =
  'pod' | 'node' | 'other-pod' | 'outside' | { readonly pod: string } | { readonly outside: string } | 'loopback'

const NODE: NodeFacts = {
  name: 'node-1',
  zone: 'a',
  addresses: ['172.18.0.11', 'fd00:172:18::11'],
  podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
}

const HOST: HostFacts = {
  addressType: (address) =>
    ['172.18.0.11', '192.168.9.9', 'fd00:172:18::11', '::1'].includes(address) || address.startsWith('127.')
      ? 'LOCAL'
      : 'UNICAST',
  route: (destination) => ({
    outInterface: /^10\.244\.1\.|^fd00:10:244:1:/.test(destination) ? 'veth0' : 'eth0',
    source: destination.includes(':') ? 'fd00:172:18::11' : '172.18.0.11',
  }),
}

const CONFIG: ProxyConfig = { ...DEFAULT_PROXY_CONFIG, clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'] }

/** One endpoint on this node, one elsewhere, and how answers name them. */
export const L = here('10.244.1.1')
export const R = there('10.244.2.1')
export const l = '10.244.1.1:8080'
export const r = '10.244.2.1:8080'
export const all = `${l} ${r}`
export const allMasq = `${l}* ${r}*`

/** Service shapes with external frontends, and where these are. */
export const nodePort = { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] } as const
export const balanced = {
  type: 'LoadBalancer',
  ports: [{ port: 80, nodePort: 30080 }],
  vips: ['198.51.100.7'],
} as const
export const external = { ...balanced, externalIPs: ['203.0.113.9'] } as const
export const frontends = ['198.51.100.7:80', '203.0.113.9:80', '172.18.0.11:30080'] as const

export type Questions = {
  readonly evaluate: (world: World, from: From, to: string) => Evaluation
  /** One test; its title begins with the ID of what it holds against the mode. */
  readonly rule: (title: string, run: () => void) => void
  /** One world, many questions. */
  readonly table: (title: string, world: World, questions: readonly (readonly [From, string, string])[]) => void
}

export function createQuestions(mode: ModeUnderTest): Questions {
  const skipped = new Map(mode.skip.map(({ id, reason }) => [id, reason]))

  const evaluate: Questions['evaluate'] = (world, from, to) => {
    const family = world.family ?? 'IPv4'
    const [, destination = '', port = '', protocol = 'TCP'] = /^\[?([^\]]+?)\]?:(\d+)(?:\/(\w+))?$/.exec(to) ?? []
    const packet: Packet = {
      family,
      protocol: protocol as Packet['protocol'],
      sourcePort: 40000,
      destination,
      destinationPort: Number(port),
      ...startOf(from, family),
    }
    return mode.evaluate({
      state: clusterStateOf({ services: world.services, slices: world.slices ?? [] }),
      node: NODE,
      config: { ...CONFIG, ...world.config },
      family,
      packet,
      host: HOST,
    })
  }

  const rule: Questions['rule'] = (title, run) => {
    const reason = skipped.get(title.split(' ', 1)[0] ?? '')
    void test(`${mode.mode} ${title}`, reason === undefined ? {} : { skip: reason }, run)
  }

  const table: Questions['table'] = (title, world, questions) => {
    rule(title, () => {
      for (const [from, to, answer] of questions) {
        const evaluation = evaluate(world, from, to)
        assert.equal(evaluation.refused, undefined)
        assert.equal(wordsOf(evaluation), answer, `${JSON.stringify(from)} -> ${to}`)
      }
    })
  }
  return { evaluate, rule, table }
}

function startOf(from: From, family: Family): Pick<Packet, 'source' | 'origin' | 'inInterface'> {
  const four = family === 'IPv4'
  if (from === 'pod')
    return { source: four ? '10.244.1.100' : 'fd00:10:244:1::100', origin: 'forwarded', inInterface: 'veth0' }
  if (from === 'other-pod')
    return { source: four ? '10.244.2.100' : 'fd00:10:244:2::100', origin: 'forwarded', inInterface: 'eth0' }
  if (from === 'outside')
    return { source: four ? '203.0.113.5' : 'fd00:203::5', origin: 'forwarded', inInterface: 'eth0' }
  if (from === 'node') return { source: four ? '172.18.0.11' : 'fd00:172:18::11', origin: 'local' }
  if (from === 'loopback') return { source: four ? '127.0.0.1' : '::1', origin: 'local' }
  if ('pod' in from) return { source: from.pod, origin: 'forwarded', inInterface: 'veth0' }
  return { source: from.outside, origin: 'forwarded', inInterface: 'eth0' }
}

function wordsOf(evaluation: Evaluation): string {
  const words = evaluation.outcomes.map(({ verdict, translated, steps }) => {
    if (verdict === 'rejected') return 'REJECT'
    if (verdict === 'dropped') return 'DROP'
    if (translated.destination === undefined) return 'untouched'
    const { address, port } = translated.destination
    const text = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    // A node's own packet may be masqueraded to the address it has already; the rule still met it.
    return steps.some(({ effect }) => effect.kind === 'masquerade') ? `${text}*` : text
  })
  return [...new Set(words)].sort().join(' ')
}
