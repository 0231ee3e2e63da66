/**
 * Random tables the kernel accepts: every kind of set and statement, chains that only lead where the kernel allows their
 * rules, values and elements in the spelling a listing has.
 */
import fc from 'fast-check'

import type {
  NftBase,
  NftChain,
  NftElement,
  NftKeyPart,
  NftRule,
  NftSet,
  NftSetHeader,
  NftStatement,
  NftTable,
  NftVerdict,
} from '../ast.ts'
import { impliedProtocol, normalizeTable } from '../normalize.ts'
import type { ValueType } from '../fields.ts'
import { printInterval, printMark } from '../values.ts'

type Family = 'ip' | 'ip6'
type Group = 'filter' | 'nat-pre' | 'nat-post'

const GROUPS: Readonly<Record<Group, { readonly base: NftBase; readonly chains: readonly string[] }>> = {
  filter: {
    base: { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' },
    chains: ['f-base', 'f-check', 'f-reject/tcp/80'],
  },
  'nat-pre': {
    base: { type: 'nat', hook: 'prerouting', priority: -100, policy: 'accept' },
    chains: ['pre-base', 'pre-services', 'pre-lb2'],
  },
  'nat-post': {
    base: { type: 'nat', hook: 'postrouting', priority: 105, policy: 'accept' },
    chains: ['post-base', 'post-masq'],
  },
}

/** Normalized, as a listing would have it. */
export function arbitraryTable(family: Family): fc.Arbitrary<NftTable> {
  const groups = (Object.keys(GROUPS) as Group[]).map((group) => chainsOf(family, group))
  return fc
    .record({
      comment: fc.option(comment(), { nil: undefined }),
      sets: setsOf(family),
      chains: fc.tuple(...groups),
      priority: fc.integer({ min: -20, max: 20 }),
    })
    .map(({ comment: text, sets, chains, priority }) => {
      const all = chains
        .flat()
        .map((chain) =>
          chain.name === 'f-base' && chain.base !== undefined ? { ...chain, base: { ...chain.base, priority } } : chain,
        )
      return normalizeTable({
        family,
        name: 'mixed',
        ...(text === undefined ? {} : { comment: text }),
        sets: new Map(sets.map((set) => [set.name, set])),
        chains: new Map(all.map((chain) => [chain.name, chain])),
      })
    })
}

function comment(): fc.Arbitrary<string> {
  return fc.constantFrom('default/web:http', "it's [odd] & <long>", 'größer', 'x'.repeat(60))
}

function optional<Key extends string, Value>(
  key: Key,
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<{ [K in Key]?: Value }> {
  return fc
    .option(value, { nil: undefined })
    .map((made) => (made === undefined ? {} : { [key]: made }) as { [K in Key]?: Value })
}

function address(family: Family): fc.Arbitrary<string> {
  return fc
    .integer({ min: 1, max: 60 })
    .map((number) => (family === 'ip' ? `10.96.0.${number}` : `fd00:96::${number.toString(16)}`))
}

function value(type: ValueType): fc.Arbitrary<string> {
  switch (type) {
    case 'ipv4_addr':
      return address('ip')
    case 'ipv6_addr':
      return address('ip6')
    case 'inet_proto':
      return fc.constantFrom('tcp', 'udp', 'sctp')
    case 'inet_service':
      return fc.integer({ min: 1, max: 65_535 }).map(String)
    case 'mark':
      return fc.integer({ min: 0, max: 0xffffffff }).map(printMark)
    case 'ifname':
      return fc.constantFrom('eth0', 'veth1234', 'lo')
    case 'ct_state':
      return fc.constantFrom('new', 'established', 'invalid')
    case 'ct_status':
      return fc.constantFrom('dnat', 'snat', 'assured')
    case 'ct_dir':
      return fc.constantFrom('original', 'reply')
    case 'fib_addrtype':
      return fc.constantFrom('local', 'broadcast', 'multicast')
    case 'nf_proto':
      return fc.constantFrom('ipv4', 'ipv6')
    case 'integer':
      return fc.integer({ min: 0, max: 100_000 }).map(String)
  }
}

function interval(type: ValueType): fc.Arbitrary<string> {
  if (type === 'ipv4_addr')
    return fc.integer({ min: 1, max: 200 }).map((number) => `10.${number}.0.0/${16 + (number % 9)}`)
  if (type === 'ipv6_addr')
    return fc.integer({ min: 1, max: 200 }).map((number) => `fd00:${number}::/${32 + (number % 40)}`)
  if (type !== 'inet_service') return value(type)
  return fc
    .tuple(fc.integer({ min: 1, max: 30_000 }), fc.integer({ min: 0, max: 3000 }))
    .map(([from, more]) => printInterval(type, { from: BigInt(from), to: BigInt(from + more) }))
}

function elements(
  types: readonly ValueType[],
  make: { readonly data?: fc.Arbitrary<NftElement['data']>; readonly max?: number; readonly extras?: boolean } = {},
): fc.Arbitrary<NftElement[]> {
  const extras = make.extras === true ? optional('comment', comment()) : fc.constant({})
  const element = fc
    .tuple(fc.tuple(...types.map(value)), make.data ?? fc.constant(undefined), extras)
    .map(([key, data, more]): NftElement => ({ key, ...(data === undefined ? {} : { data }), ...more }))
  return fc.uniqueArray(element, { maxLength: make.max ?? 8, selector: ({ key }) => key.join(' . ') })
}

function setsOf(family: Family): fc.Arbitrary<NftSet[]> {
  const [addr, daddr] = family === 'ip' ? (['ipv4_addr', 'ip daddr'] as const) : (['ipv6_addr', 'ip6 daddr'] as const)
  const service: NftSetHeader['key'] = [addr, 'inet_proto', 'inet_service']
  const made = (header: NftSetHeader, filled: fc.Arbitrary<NftElement[]>): fc.Arbitrary<NftSet> =>
    fc.tuple(filled, optional('comment', comment())).map(([all, text]) => ({ ...header, ...text, elements: all }))
  const endpoints: NftSetHeader = {
    name: 'endpoints',
    key: [...service, 'integer'],
    data: [addr, 'inet_service'],
    typeof: {
      key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus: 65_536 }],
      data: [daddr, 'th dport'],
    },
  }
  const endpoint = fc.tuple(value(addr), value('inet_service'))
  return fc.tuple(
    made({ name: 'cluster-ips', key: [addr] }, elements([addr], { extras: true })),
    made(
      { name: 'hairpin', key: [addr, addr, 'inet_proto', 'inet_service'] },
      elements([addr, addr, 'inet_proto', 'inet_service']),
    ),
    made(
      { name: 'services', key: service, data: 'verdict' },
      elements(service, { data: verdict(['pre-services', 'pre-lb2']), extras: true }),
    ),
    made(endpoints, elements([...service, 'integer'], { data: endpoint })),
    made({ name: 'by-slot', key: ['mark'], data: [addr] }, elements(['mark'], { data: fc.tuple(value(addr)) })),
    made({ name: 'links', key: ['ifname'] }, elements(['ifname'])),
    made(
      { name: 'affinity', key: [addr], flags: ['dynamic', 'timeout'], timeout: 10_800_000, size: 65_535 },
      fc.constant([]),
    ),
    made({ name: 'ranges', key: [addr], flags: ['interval'] }, uniqueIntervals(addr)),
    made({ name: 'port-ranges', key: ['inet_proto', 'inet_service'], flags: ['interval'] }, portRanges()),
    made({ name: 'allowed', key: [addr, 'inet_service'], data: 'verdict', flags: ['interval'] }, fc.constant([])),
  )
}

/** One a second part of the address, so that none overlap. */
function uniqueIntervals(type: ValueType): fc.Arbitrary<NftElement[]> {
  const second = (text: string): string => text.split(/[.:]/, 2).join()
  return fc.uniqueArray(
    interval(type).map((text) => ({ key: [text] })),
    { maxLength: 6, selector: ({ key: [text = ''] }) => second(text) },
  )
}

function portRanges(): fc.Arbitrary<NftElement[]> {
  return fc
    .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 4 })
    .map((starts) => starts.map((start) => ({ key: ['tcp', `${start * 1000}-${start * 1000 + 500}`] })))
}

function verdict(chains: readonly string[]): fc.Arbitrary<NftVerdict> {
  const leads = chains.flatMap((chain): NftVerdict[] => [
    { verdict: 'goto', chain },
    { verdict: 'jump', chain },
  ])
  return fc.constantFrom<NftVerdict>({ verdict: 'accept' }, { verdict: 'drop' }, { verdict: 'return' }, ...leads)
}

function chainsOf(family: Family, group: Group): fc.Arbitrary<NftChain[]> {
  const { base, chains } = GROUPS[group]
  const made = chains.map((name, at) =>
    fc
      .tuple(fc.array(rule(family, group, chains.slice(at + 1)), { maxLength: 5 }), optional('comment', comment()))
      .map(([rules, text]): NftChain => ({ name, ...(at === 0 ? { base } : {}), ...text, rules })),
  )
  return fc.tuple(...made)
}

function rule(family: Family, group: Group, later: readonly string[]): fc.Arbitrary<NftRule> {
  return fc
    .tuple(
      fc.array(condition(family), { maxLength: 3 }),
      fc.array(action(family), { maxLength: 2 }),
      end(family, group, later),
      optional('comment', comment()),
    )
    .map(([conditions, actions, last, text]) => ({ statements: [...conditions, ...actions, ...last], ...text }))
    .filter(({ statements }) => statements.length > 0 && protocolsOf(statements).size <= 1)
}

/** A rule about two protocols is refused. */
function protocolsOf(statements: readonly NftStatement[]): ReadonlySet<string | undefined> {
  const said = statements.map((statement) => {
    if (statement.kind === 'match' && statement.field === 'meta l4proto') return statement.value
    const several = statement.kind === 'lookup' && statement.key.length === 1 && statement.key[0] === 'meta l4proto'
    return several ? 'several' : impliedProtocol(statement)
  })
  return new Set(said.filter((protocol) => protocol !== undefined))
}

function negatable(): fc.Arbitrary<{ negated?: true }> {
  return fc.constantFrom<{ negated?: true }>({}, {}, { negated: true })
}

function condition(family: Family): fc.Arbitrary<NftStatement> {
  const [saddr, daddr] = family === 'ip' ? (['ip saddr', 'ip daddr'] as const) : (['ip6 saddr', 'ip6 daddr'] as const)
  const addr = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'
  const match = (field: NftKeyPart, values: fc.Arbitrary<string>): fc.Arbitrary<NftStatement> =>
    fc.tuple(negatable(), values).map(([not, text]) => ({ kind: 'match', field, ...not, value: text }))
  const plain = (field: NftKeyPart, values: fc.Arbitrary<string>): fc.Arbitrary<NftStatement> =>
    values.map((text) => ({ kind: 'match', field, value: text }))
  const lookup = (key: readonly NftKeyPart[], name: string): fc.Arbitrary<NftStatement> =>
    negatable().map((not) => ({ kind: 'lookup', key, ...not, set: { name } }))
  const own = (key: readonly NftKeyPart[], filled: fc.Arbitrary<NftElement[]>): fc.Arbitrary<NftStatement> =>
    fc
      .tuple(negatable(), filled)
      .filter(([, all]) => all.length > 1)
      .map(([not, all]) => ({ kind: 'lookup', key, ...not, set: { elements: all } }))
  return fc.oneof(
    match(saddr, fc.oneof(value(addr), interval(addr))),
    match(daddr, value(addr)),
    plain('meta l4proto', value('inet_proto')),
    match('tcp dport', fc.oneof(value('inet_service'), interval('inet_service'))),
    match('iifname', fc.constantFrom('eth0', 'veth*')),
    match('oifname', fc.constant('lo')),
    match('meta mark', fc.oneof(value('mark'), fc.constant('0x00000001-0x00000005'))),
    plain('fib daddr type', fc.constantFrom('local', 'multicast')),
    plain('ct state', fc.constantFrom('new', 'established,related', 'invalid')),
    plain('ct status', fc.constant('dnat')),
    plain('ct direction', fc.constantFrom('original', 'reply')),
    plain({ numgen: 'random', modulus: 4 }, fc.integer({ min: 0, max: 3 }).map(String)),
    fc
      .tuple(negatable(), fc.constantFrom('meta mark' as const, 'ct mark' as const), fc.constantFrom(0x4000, 0))
      .map(([not, field, wanted]): NftStatement => ({
        kind: 'masked-match',
        field,
        mask: 0x4000,
        ...not,
        value: wanted,
      })),
    lookup([daddr], 'cluster-ips'),
    lookup([saddr, daddr, 'meta l4proto', 'th dport'], 'hairpin'),
    lookup([saddr], 'affinity'),
    lookup([saddr], 'ranges'),
    lookup(['meta l4proto', 'th dport'], 'port-ranges'),
    lookup(['iifname'], 'links'),
    own([saddr], elements([addr])),
    own([saddr], uniqueIntervals(addr)),
    own([daddr, 'th dport'], elements([addr, 'inet_service'])),
    own(['meta l4proto'], elements(['inet_proto'])),
    own(['iifname'], elements(['ifname'])),
  )
}

function action(family: Family): fc.Arbitrary<NftStatement> {
  const saddr = family === 'ip' ? 'ip saddr' : 'ip6 saddr'
  const number = fc.integer({ min: 1, max: 0xfffffffe })
  const marks = fc.constantFrom('meta mark' as const, 'ct mark' as const)
  return fc.oneof(
    fc.constant<NftStatement>({ kind: 'counter', packets: 0n, bytes: 0n }),
    fc.tuple(marks, number).map(([field, set]): NftStatement => ({ kind: 'set-mark', field, value: set })),
    fc
      .tuple(marks, fc.constantFrom('and' as const, 'or' as const, 'xor' as const), number)
      .map(([field, operator, set]): NftStatement => ({ kind: 'set-mark', field, from: field, operator, value: set })),
    fc.constant<NftStatement>({ kind: 'set-mark', field: 'ct mark', from: 'meta mark' }),
    fc
      .tuple(
        fc.constantFrom('update' as const, 'add' as const, 'delete' as const),
        optional('timeout', fc.constantFrom(600_000, 90_061_000)),
      )
      .map(([kind, timeout]): NftStatement => ({
        kind,
        set: 'affinity',
        key: [saddr],
        ...(kind === 'delete' ? {} : timeout),
      })),
  )
}

function end(family: Family, group: Group, later: readonly string[]): fc.Arbitrary<NftStatement[]> {
  const verdicts = fc.oneof(
    fc.constant<NftStatement[]>([]),
    verdict(later).map((made): NftStatement[] => [{ kind: 'verdict', ...made }]),
    vmap(family, later),
  )
  if (group === 'filter') return fc.oneof(verdicts, reject(family))
  return fc.oneof(verdicts, group === 'nat-pre' ? dnat(family) : source(family))
}

function vmap(family: Family, later: readonly string[]): fc.Arbitrary<NftStatement[]> {
  const numgen = fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.array(verdict(later), { minLength: 4, maxLength: 4 }))
    .map(([modulus, verdicts]): NftStatement => ({
      kind: 'vmap',
      key: [{ numgen: 'random', modulus }],
      map: { elements: verdicts.slice(0, modulus).map((data, slot) => ({ key: [String(slot)], data })) },
    }))
  const daddr = family === 'ip' ? 'ip daddr' : 'ip6 daddr'
  const services: NftStatement = { kind: 'vmap', key: [daddr, 'meta l4proto', 'th dport'], map: { name: 'services' } }
  // The map leads to chains that translate.
  const named = later.includes('pre-services') ? [fc.constant(services)] : []
  return fc.oneof(numgen, ...named).map((made) => [made])
}

function reject(family: Family): fc.Arbitrary<NftStatement[]> {
  const codes =
    family === 'ip'
      ? ['icmp host-unreachable', 'icmp admin-prohibited']
      : ['icmpv6 no-route', 'icmpv6 admin-prohibited']
  return fc
    .constantFrom(undefined, 'tcp reset', ...codes)
    .map((text) => [{ kind: 'reject', ...(text === undefined ? {} : { with: text }) }])
}

const TCP: NftStatement = { kind: 'match', field: 'meta l4proto', value: 'tcp' }

function dnat(family: Family): fc.Arbitrary<NftStatement[]> {
  const [addr, daddr] = family === 'ip' ? (['ipv4_addr', 'ip daddr'] as const) : (['ipv6_addr', 'ip6 daddr'] as const)
  const flags = optional('flags', fc.constantFrom(['persistent'] as const, ['random', 'persistent'] as const))
  const slots = fc
    .array(fc.tuple(value(addr), value('inet_service')), { minLength: 1, maxLength: 4 })
    .map((endpoints): NftStatement[] => [
      TCP,
      {
        kind: 'dnat',
        to: {
          key: [{ numgen: 'random', modulus: endpoints.length }],
          map: { elements: endpoints.map((data, slot) => ({ key: [String(slot)], data })) },
          withPort: true,
        },
      },
    ])
  return fc.oneof(
    fc.tuple(value(addr), flags).map(([to, more]): NftStatement[] => [{ kind: 'dnat', to: { address: to }, ...more }]),
    fc
      .tuple(value(addr), fc.integer({ min: 1, max: 65_535 }))
      .map(([to, port]): NftStatement[] => [TCP, { kind: 'dnat', to: { address: to, port } }]),
    fc.integer({ min: 1, max: 9 }).map((modulus): NftStatement[] => [
      {
        kind: 'dnat',
        to: {
          key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus }],
          map: { name: 'endpoints' },
          withPort: true,
        },
      },
    ]),
    fc.constant<NftStatement[]>([
      { kind: 'dnat', to: { key: ['meta mark'], map: { name: 'by-slot' }, withPort: false } },
    ]),
    slots,
    fc.constant<NftStatement[]>([{ kind: 'redirect' }]),
    fc.constant<NftStatement[]>([TCP, { kind: 'redirect', port: 8080 }]),
  )
}

function source(family: Family): fc.Arbitrary<NftStatement[]> {
  return fc.oneof(
    fc.constant<NftStatement[]>([{ kind: 'masquerade' }]),
    fc.constant<NftStatement[]>([{ kind: 'masquerade', flags: ['fully-random'] }]),
    address(family).map((to): NftStatement[] => [{ kind: 'snat', to: { address: to } }]),
  )
}
