/**
 * Small random rulesets in a service proxy's manner for the packet lab.
 *
 * Answers must always come back, whatever the rules, or a lost answer would look like a lost packet: base chains that
 * filter begin by accepting what belongs to a known flow. The evaluator sees that rule as well.
 */
import fc from 'fast-check'

import type { Family } from '#lib'
import { addressOf, LISTENING, virtualAddress } from '#rulesets/shared/testing'

import type {
  NftBase,
  NftChain,
  NftElement,
  NftKeyPart,
  NftRule,
  NftRuleset,
  NftSet,
  NftStatement,
  NftVerdict,
} from '../ast.ts'

const KNOWN_FLOWS: NftRule = {
  statements: [
    { kind: 'match', field: 'ct state', value: 'established,related' },
    { kind: 'verdict', verdict: 'accept' },
  ],
}

type Group = 'early' | 'dnat' | 'filter' | 'source'

type Base = { readonly name: string; readonly group: Group; readonly base: NftBase }

const BASES: readonly Base[] = [
  hook('early', { type: 'filter', hook: 'prerouting', priority: -110 }),
  hook('dnat', { type: 'nat', hook: 'prerouting', priority: -100 }),
  // Chains of type nat run at one place whatever they say: this one ahead of `dnat output 10` all the same.
  hook('dnat', { type: 'nat', hook: 'output', priority: -90 }),
  hook('filter', { type: 'filter', hook: 'input', priority: 0 }),
  hook('filter', { type: 'filter', hook: 'forward', priority: 0 }),
  hook('filter', { type: 'filter', hook: 'forward', priority: 10 }),
  hook('filter', { type: 'filter', hook: 'output', priority: 0 }),
  hook('source', { type: 'nat', hook: 'postrouting', priority: 100 }),
]
const SUB_CHAINS: Readonly<Record<Group, readonly string[]>> = {
  early: [],
  dnat: ['services', 'lb'],
  filter: ['check'],
  source: ['masq'],
}

function hook(group: Group, base: Omit<NftBase, 'policy'>): Base {
  return { name: `${group}-${base.hook}-${Math.abs(base.priority)}`, group, base: { ...base, policy: 'accept' } }
}

export function arbitraryTraffic(family: Family): fc.Arbitrary<NftRuleset> {
  const bases = BASES.map(({ name, group, base }) =>
    fc
      .tuple(
        fc.array(rule(family, group, SUB_CHAINS[group]), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('accept' as const, 'accept' as const, 'drop' as const),
      )
      .map(([rules, policy]): NftChain => {
        const guarded = group === 'filter' || group === 'early'
        const chosen = guarded ? { ...base, policy } : base
        return { name, base: chosen, rules: guarded ? [KNOWN_FLOWS, ...rules] : rules }
      }),
  )
  const subs = (Object.keys(SUB_CHAINS) as Group[]).flatMap((group) =>
    SUB_CHAINS[group].map((name, at) =>
      fc
        .array(rule(family, group, SUB_CHAINS[group].slice(at + 1)), { minLength: 1, maxLength: 3 })
        .map((rules): NftChain => ({ name, rules })),
    ),
  )
  return fc.tuple(sets(family), ...bases, ...subs).map(([made, ...chains]) => ({
    tables: [
      {
        family: family === 'IPv4' ? 'ip' : 'ip6',
        name: 'traffic',
        sets: new Map(made.map((set) => [set.name, set])),
        chains: new Map(chains.map((chain) => [chain.name, chain])),
      },
    ],
  }))
}

function endpoints(family: Family): readonly (readonly [string, string])[] {
  const hosts = (['alpha', 'beta', 'gamma'] as const).map((host) => addressOf(family, host))
  return [...hosts, virtualAddress(family, 2), addressOf(family, 'client', 'router')].map((address) => [
    address,
    '8080',
  ])
}

function sets(family: Family): fc.Arbitrary<readonly NftSet[]> {
  const address = family === 'IPv4' ? ('ipv4_addr' as const) : ('ipv6_addr' as const)
  const daddr = family === 'IPv4' ? ('ip daddr' as const) : ('ip6 daddr' as const)
  const key = (protocol: string): string[] => [virtualAddress(family, 1), protocol, '80']
  const verdict = fc.constantFrom<NftVerdict>(
    { verdict: 'goto', chain: 'lb' },
    { verdict: 'jump', chain: 'lb' },
    { verdict: 'return' },
    { verdict: 'accept' },
  )
  const services = fc.tuple(verdict, verdict).map(([tcp, udp]): NftElement[] => [
    { key: key('tcp'), data: tcp },
    { key: key('udp'), data: udp },
  ])
  const slots = fc
    .subarray(
      ['tcp', 'udp'].flatMap((protocol) => ['0', '1', '2'].map((slot) => [...key(protocol), slot])),
      { minLength: 2 },
    )
    .chain((keys) =>
      fc
        .array(fc.constantFrom(...endpoints(family)), { minLength: keys.length, maxLength: keys.length })
        .map((all) => keys.map((fields, at): NftElement => ({ key: fields, data: all[at] ?? [] }))),
    )
  const blocks = family === 'IPv4' ? ['10.1.2.0/24', '10.96.0.0/31'] : ['fd00:1:2::/64', 'fd00:96::/127']
  return fc.tuple(services, slots).map(([vmap, map]): NftSet[] => [
    { name: 'services', key: [address, 'inet_proto', 'inet_service'], data: 'verdict', elements: vmap },
    {
      name: 'endpoints',
      key: [address, 'inet_proto', 'inet_service', 'integer'],
      data: [address, 'inet_service'],
      typeof: {
        key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus: 65_536 }],
        data: [daddr, 'th dport'],
      },
      elements: map,
    },
    { name: 'known', key: [address, 'inet_proto', 'inet_service'], elements: [{ key: key('tcp') }] },
    { name: 'blocks', key: [address], flags: ['interval'], elements: blocks.map((text) => ({ key: [text] })) },
    { name: 'seen', key: [address], flags: ['dynamic', 'timeout'], timeout: 1000, size: 16, elements: [] },
  ])
}

function rule(family: Family, group: Group, later: readonly string[]): fc.Arbitrary<NftRule> {
  return fc
    .tuple(
      fc.constantFrom(undefined, 'tcp', 'udp'),
      fc.uniqueArray(condition(family), { maxLength: 2, selector: (made) => JSON.stringify(made) }),
      fc.array(mark(), { maxLength: 1 }),
    )
    .chain(([protocol, conditions, marks]) =>
      end(family, group, { later, protocol }).map((last): NftRule => ({
        statements: [
          ...(protocol === undefined ? [] : [{ kind: 'match', field: 'meta l4proto', value: protocol } as const]),
          ...conditions,
          ...marks,
          ...last,
        ],
      })),
    )
    .filter(({ statements }) => statements.length > 0)
}

function condition(family: Family): fc.Arbitrary<NftStatement> {
  const [saddr, daddr] = family === 'IPv4' ? (['ip saddr', 'ip daddr'] as const) : (['ip6 saddr', 'ip6 daddr'] as const)
  const known = [virtualAddress(family, 1), addressOf(family, 'client'), addressOf(family, 'alpha')]
  const plain = (field: NftKeyPart, value: string): NftStatement => ({ kind: 'match', field, value })
  const own = (key: NftKeyPart, values: readonly string[]): NftStatement => ({
    kind: 'lookup',
    key: [key],
    set: { elements: values.map((value) => ({ key: [value] })) },
  })
  const statements: readonly NftStatement[] = [
    ...known.flatMap((address) => [plain(saddr, address), plain(daddr, address)]),
    plain(daddr, family === 'IPv4' ? '10.96.0.0/24' : 'fd00:96::/64'),
    ...LISTENING.map((port) => plain('th dport', String(port))),
    plain('th dport', '79-81'),
    plain('iifname', 'client'),
    plain('iifname', 'al*'),
    plain('oifname', 'sink'),
    plain('fib daddr type', 'local'),
    plain('fib saddr type', 'local'),
    plain('ct status', 'dnat'),
    plain('ct state', 'new'),
    plain('ct direction', 'original'),
    plain({ numgen: 'random', modulus: 2 }, '0'),
    { kind: 'masked-match', field: 'meta mark', mask: 0x4000, value: 0x4000 },
    { kind: 'lookup', key: [saddr], set: { name: 'blocks' } },
    { kind: 'lookup', key: [daddr], set: { name: 'blocks' } },
    { kind: 'lookup', key: [daddr, 'meta l4proto', 'th dport'], set: { name: 'known' } },
    own(saddr, known.slice(1)),
    own('th dport', ['80', '443']),
  ]
  return fc.tuple(fc.constantFrom(...statements), fc.boolean()).map(([made, negated]) => {
    // Negated bits of conntrack are compared as a whole word.
    if (!negated || (made.kind === 'match' && made.field === 'ct status')) return made
    return { ...made, negated: true } as NftStatement
  })
}

function mark(): fc.Arbitrary<NftStatement> {
  const operators = (['or', 'xor', 'and'] as const).map((operator): NftStatement => ({
    kind: 'set-mark',
    field: 'meta mark',
    from: 'meta mark',
    operator,
    value: operator === 'and' ? 0xffffbfff : 0x4000,
  }))
  return fc.constantFrom<NftStatement>(
    ...operators,
    { kind: 'set-mark', field: 'meta mark', value: 0x4000 },
    { kind: 'set-mark', field: 'ct mark', from: 'meta mark' },
    { kind: 'set-mark', field: 'meta mark', from: 'ct mark' },
  )
}

type Ending = { readonly later: readonly string[]; readonly protocol: string | undefined }

function end(family: Family, group: Group, { later, protocol }: Ending): fc.Arbitrary<NftStatement[]> {
  const verdict = (made: NftVerdict): NftStatement[] => [{ kind: 'verdict', ...made }]
  const leads = later.flatMap((chain): NftVerdict[] => [
    { verdict: 'jump', chain },
    { verdict: 'goto', chain },
  ])
  const ends: NftVerdict[] = [{ verdict: 'return' }, { verdict: 'accept' }]
  const split = fc
    .tuple(fc.constantFrom(...leads, ...ends), fc.constantFrom(...ends))
    .map(([first, second]): NftStatement[] => [
      {
        kind: 'vmap',
        key: [{ numgen: 'random', modulus: 3 }],
        map: {
          elements: [
            { key: ['0'], data: first },
            { key: ['1'], data: second },
          ],
        },
      },
    ])
  // Jumps first and often: chains nobody enters test nothing.
  const common = [...leads.flatMap((lead) => [lead, lead]), ...ends].map((made) => fc.constant(verdict(made)))
  const daddr = family === 'IPv4' ? ('ip daddr' as const) : ('ip6 daddr' as const)
  switch (group) {
    case 'early':
      return fc.oneof(fc.constant<NftStatement[]>([]), ...common, fc.constant(verdict({ verdict: 'drop' })))
    case 'filter': {
      const rejects: NftStatement[] = [{ kind: 'reject' }]
      if (protocol === 'tcp') rejects.push({ kind: 'reject', with: 'tcp reset' })
      const reject = fc.constantFrom(...rejects).map((made) => [made])
      return fc.oneof(...common, split, fc.constant(verdict({ verdict: 'drop' })), reject)
    }
    case 'source':
      return fc.oneof(
        ...common,
        fc.constantFrom<NftStatement[][]>([{ kind: 'masquerade' }], [{ kind: 'masquerade', flags: ['fully-random'] }]),
      )
    case 'dnat': {
      const services: NftStatement[] = later.includes('lb')
        ? [{ kind: 'vmap', key: [daddr, 'meta l4proto', 'th dport'], map: { name: 'services' } }]
        : []
      return fc.oneof(...common, split, fc.constant(services), dnat(family, protocol), dnat(family, protocol))
    }
  }
}

function dnat(family: Family, protocol: string | undefined): fc.Arbitrary<NftStatement[]> {
  const daddr = family === 'IPv4' ? ('ip daddr' as const) : ('ip6 daddr' as const)
  const all = endpoints(family)
  const mapped = fc.integer({ min: 1, max: 3 }).map((modulus): NftStatement[] => [
    {
      kind: 'dnat',
      to: {
        key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus }],
        map: { name: 'endpoints' },
        withPort: true,
      },
    },
  ])
  const plain = fc.constantFrom(...all).map(([address]): NftStatement[] => [{ kind: 'dnat', to: { address } }])
  if (protocol === undefined) return fc.oneof(mapped, plain)
  const withPort = fc
    .constantFrom(...all)
    .map(([address]): NftStatement[] => [{ kind: 'dnat', to: { address, port: 8080 } }])
  const slots = fc.array(fc.constantFrom(...all), { minLength: 1, maxLength: 3 }).map((chosen): NftStatement[] => [
    {
      kind: 'dnat',
      to: {
        key: [{ numgen: 'random', modulus: chosen.length }],
        map: { elements: chosen.map((data, slot) => ({ key: [String(slot)], data })) },
        withPort: true,
      },
    },
  ])
  return fc.oneof(mapped, withPort, slots, fc.constant<NftStatement[]>([{ kind: 'redirect', port: 8080 }]))
}
