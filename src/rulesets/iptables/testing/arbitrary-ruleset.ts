/**
 * Random rulesets in the form iptables-save gives them back in: what can be loaded into a kernel and compared with what
 * it then prints. Chains only lead to later chains, so there are no circles, and each table gets what it may hold.
 */
import fc from 'fast-check'

import type { Family } from '#lib'

import type { Chain, Match, Rule, Ruleset, Table, Target } from '../ast.ts'

const HOOKS = { filter: ['INPUT', 'FORWARD', 'OUTPUT'], nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'] } as const
const USER_CHAINS = ['ALPHA', 'BETA', 'GAMMA-1']
/** In the order the kernel's tools print them. */
const STATES = ['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT']

const COMMENT_CHARACTERS = ['a', 'B', '-', '_', '0', ' ', '"', "'", '\\', '!', '$', ';', '#', 'é', '/']

/** Plain objects, as the parser makes them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true })
}

const maybeNot = fc.option(fc.constant(true), { nil: undefined }).map((negated) => (negated ? { negated } : {}))
const port = fc.integer({ min: 1, max: 65535 })
const word32 = fc.integer({ min: 0, max: 0xffffffff })

export function arbitraryRuleset(family: Family): fc.Arbitrary<Ruleset> {
  return fc.tuple(arbitraryTable('filter', family), arbitraryTable('nat', family)).map((tables) => ({
    family,
    tables: new Map(tables.map((table) => [table.name, table])),
  }))
}

function arbitraryTable(name: 'filter' | 'nat', family: Family): fc.Arbitrary<Table> {
  const hooks: readonly string[] = HOOKS[name]
  const names = [...hooks, ...USER_CHAINS]
  const chains = names.map((chain) => {
    const later = USER_CHAINS.filter((candidate) => names.indexOf(candidate) > names.indexOf(chain))
    const rules = fc.array(arbitraryRule({ table: name, family, chain, later }), { maxLength: 4 })
    const policy =
      name === 'filter' ? fc.constantFrom('ACCEPT' as const, 'DROP' as const) : fc.constant('ACCEPT' as const)
    return fc.tuple(rules, policy).map(([filled, chosen]): Chain => ({
      name: chain,
      ...(hooks.includes(chain) ? { policy: chosen } : {}),
      counters: { packets: 0n, bytes: 0n },
      rules: filled,
    }))
  })
  return fc.tuple(...chains).map((filled) => ({ name, chains: new Map(filled.map((chain) => [chain.name, chain])) }))
}

type Place = {
  readonly table: 'filter' | 'nat'
  readonly family: Family
  readonly chain: string
  readonly later: readonly string[]
}

function arbitraryRule(place: Place): fc.Arbitrary<Rule> {
  return fc
    .constantFrom('tcp', 'udp', 'sctp', undefined)
    .chain((protocol) => {
      const matches = fc.tuple(arbitraryBase(place, protocol), arbitraryModules(place, protocol))
      return fc.tuple(matches, fc.option(arbitraryTarget(place, protocol), { nil: undefined, freq: 8 }))
    })
    .map(([[base, modules], target]) => ({
      matches: [...base, ...modules],
      ...(target === undefined ? {} : { target }),
      counters: { packets: 0n, bytes: 0n },
    }))
}

function arbitraryBase({ family, chain }: Place, protocol: string | undefined): fc.Arbitrary<Match[]> {
  const source = record({ kind: fc.constant('source' as const), cidr: arbitraryCidr(family) })
  const destination = record({ kind: fc.constant('destination' as const), cidr: arbitraryCidr(family) })
  const name = fc.constantFrom('eth0', 'veth+', 'lo')
  const direction: Match['kind'] & ('in-interface' | 'out-interface') = /OUTPUT|POSTROUTING/.test(chain)
    ? 'out-interface'
    : 'in-interface'
  const link = record({ kind: fc.constant(direction), name })
  const optional = [source, destination, link].map((match) =>
    fc.option(withNot<Match>(match as fc.Arbitrary<Match>), { nil: undefined }),
  )
  return fc
    .tuple(...optional)
    .map((matches) => [
      ...matches.filter((match) => match !== undefined),
      ...(protocol === undefined ? [] : [{ kind: 'protocol' as const, protocol }]),
    ])
}

function arbitraryModules(place: Place, protocol: string | undefined): fc.Arbitrary<Match[]> {
  const comment = fc
    .string({ unit: fc.constantFrom(...COMMENT_CHARACTERS), maxLength: 30 })
    .map((text): Match => ({ kind: 'comment', text }))
  const state = fc.subarray(STATES, { minLength: 1 }).map((states): Match => ({ kind: 'conntrack-state', states }))
  const mark = fc
    .tuple(word32, fc.integer({ min: 1, max: 0xffffffff }))
    .map(([value, mask]): Match => ({ kind: 'mark', value: (value & mask) >>> 0, mask }))
  const addressType = fc
    .record({
      of: fc.constantFrom('source' as const, 'destination' as const),
      type: fc.constantFrom('LOCAL', 'UNICAST'),
    })
    .map((match): Match => ({ kind: 'address-type', ...match }))
  const random = fc
    .integer({ min: 0, max: 2 ** 31 })
    .map((units): Match => ({ kind: 'random', probability: Number((units / 2 ** 31).toFixed(11)) }))
  const ports = protocol === undefined ? [] : [arbitraryPorts(protocol)]
  const one = [
    comment.map((match) => [match]),
    ...[state, mark, addressType, random].map((match) => withNot(match).map((m) => [m])),
  ]
  return fc
    .tuple(fc.uniqueArray(fc.oneof(...one, arbitraryRecent(place), ...ports), { maxLength: 3, selector: kindsOf }))
    .map(([groups]) => groups.flat())
}

/** Ports of one protocol are one module; either, or both with the source first. */
function arbitraryPorts(protocol: string): fc.Arbitrary<Match[]> {
  const range = fc.tuple(port, port).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
  const single = port.map((number) => ({ from: number, to: number }))
  const side = (kind: 'source-port' | 'destination-port'): fc.Arbitrary<Match> =>
    withNot(fc.oneof(range, single).map((bounds): Match => ({ kind, protocol, ...bounds })))
  return fc.oneof(
    side('source-port').map((match) => [match]),
    side('destination-port').map((match) => [match]),
    fc.tuple(side('source-port'), side('destination-port')),
  )
}

function arbitraryRecent({ family }: Place): fc.Arbitrary<Match[]> {
  const common = {
    kind: fc.constant('recent' as const),
    list: fc.constantFrom('KUBE-SEP-A', 'KUBE-SEP-B'),
    side: fc.constantFrom('source' as const, 'destination' as const),
    mask: fc.constant(family === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
  }
  const plain = record({ ...common, action: fc.constantFrom('set' as const, 'remove' as const) })
  const timed = record({
    ...common,
    action: fc.constantFrom('rcheck' as const, 'update' as const),
    seconds: fc.integer({ min: 1, max: 86400 }),
    reap: fc.constant(true),
  })
  return withNot(fc.oneof(plain, timed) as fc.Arbitrary<Match>).map((match) => [match])
}

function arbitraryTarget(place: Place, protocol: string | undefined): fc.Arbitrary<Target> {
  const mark = record({ kind: fc.constant('mark' as const), value: word32, mask: word32 })
  const end = record({ kind: fc.constantFrom('accept' as const, 'return' as const) })
  const jumps = place.later.map((chain) =>
    record({ kind: fc.constantFrom('jump' as const, 'goto' as const), chain: fc.constant(chain) }),
  )
  if (place.table === 'filter') {
    const drop = fc.constant<Target>({ kind: 'drop' })
    return fc.oneof(mark, end, drop, arbitraryReject(place.family, protocol), ...jumps)
  }
  if (place.chain === 'POSTROUTING') {
    const masquerade = fc.constantFrom<Target>({ kind: 'masquerade' }, { kind: 'masquerade', randomFully: true })
    const snat = fc.constant<Target>({ kind: 'snat', to: place.family === 'IPv4' ? '10.9.9.9' : 'fd00:9::9' })
    return fc.oneof(mark, end, masquerade, snat)
  }
  if (place.chain === 'INPUT') return fc.oneof(mark, end)
  return fc.oneof(mark, end, arbitraryDnat(place.family, protocol), ...jumps)
}

function arbitraryReject(family: Family, protocol: string | undefined): fc.Arbitrary<Target> {
  const icmp =
    family === 'IPv4'
      ? ['icmp-port-unreachable', 'icmp-host-prohibited', 'icmp-admin-prohibited']
      : ['icmp6-port-unreachable', 'icmp6-adm-prohibited']
  return fc
    .constantFrom(...icmp, ...(protocol === 'tcp' ? ['tcp-reset'] : []))
    .map((reject): Target => ({ kind: 'reject', with: reject }))
}

function arbitraryDnat(family: Family, protocol: string | undefined): fc.Arbitrary<Target> {
  const address = family === 'IPv4' ? '10.9.9.9' : 'fd00:9::9'
  const plain = fc.constant<Target>({ kind: 'dnat', to: address })
  if (protocol === undefined) return plain
  const withPort = port.map((number): Target => ({
    kind: 'dnat',
    to: family === 'IPv4' ? `${address}:${number}` : `[${address}]:${number}`,
  }))
  return fc.oneof(plain, withPort)
}

function arbitraryCidr(family: Family): fc.Arbitrary<string> {
  return family === 'IPv4'
    ? fc.constantFrom('10.0.0.0/8', '10.1.2.3/32', '192.168.128.0/17')
    : fc.constantFrom('fd00::/8', 'fd00:1:2::3/128', '2001:db8:8000::/33')
}

function withNot<T extends Match>(match: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.tuple(match, maybeNot).map(([value, negation]) => ({ ...value, ...negation }))
}

function kindsOf(matches: readonly Match[]): string {
  const kind = matches[0]?.kind ?? ''
  return kind.endsWith('-port') ? 'ports' : kind
}
