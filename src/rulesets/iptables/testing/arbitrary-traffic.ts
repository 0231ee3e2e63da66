/**
 * Small random rulesets in kube-proxy's manner for the packet lab.
 *
 * Answers must always come back, whatever the rules, or a lost answer would look like a lost packet: tables that filter
 * begin by accepting what belongs to a known flow. The evaluator sees that rule as well.
 */
import fc from 'fast-check'

import type { Family } from '#lib'
import { addressOf, LISTENING, virtualAddress } from '#rulesets/shared/testing'

import type { Chain, Match, Rule, Ruleset, Table, Target } from '../ast.ts'

const KNOWN_FLOWS: Rule = {
  matches: [{ kind: 'conntrack-state', states: ['RELATED', 'ESTABLISHED'] }],
  target: { kind: 'accept' },
}

export function arbitraryTraffic(family: Family): fc.Arbitrary<Ruleset> {
  const tables = [
    table(family, { name: 'mangle', hooks: ['PREROUTING', 'FORWARD'], chains: [], guarded: true }),
    table(family, { name: 'nat', hooks: ['PREROUTING', 'OUTPUT'], chains: ['SVC', 'SEP-A', 'SEP-B'], guarded: false }),
    table(family, { name: 'nat', hooks: ['POSTROUTING'], chains: ['MASQ'], guarded: false }),
    table(family, { name: 'filter', hooks: ['INPUT', 'FORWARD', 'OUTPUT'], chains: ['CHECK'], guarded: true }),
  ]
  return fc.tuple(...tables).map((made) => {
    const merged = new Map<string, Table>()
    for (const { name, chains } of made) {
      merged.set(name, { name, chains: new Map([...(merged.get(name)?.chains ?? []), ...chains]) })
    }
    return { family, tables: merged }
  })
}

type TableShape = {
  readonly name: 'mangle' | 'nat' | 'filter'
  readonly hooks: readonly string[]
  readonly chains: readonly string[]
  readonly guarded: boolean
}

function table(family: Family, shape: TableShape): fc.Arbitrary<Table> {
  const names = [...shape.hooks, ...shape.chains]
  const chains = names.map((name, at) => {
    const later = shape.chains.filter((chain) => names.indexOf(chain) > at)
    const isHook = shape.hooks.includes(name)
    const rules = fc.array(rule(family, { shape, chain: name, later }), { minLength: 1, maxLength: 4 })
    const policy =
      shape.name === 'filter'
        ? fc.constantFrom('ACCEPT' as const, 'ACCEPT' as const, 'DROP' as const)
        : fc.constant('ACCEPT' as const)
    return fc.tuple(rules, policy).map(([filled, chosen]): Chain => ({
      name,
      ...(isHook ? { policy: chosen } : {}),
      rules: shape.guarded && isHook ? [KNOWN_FLOWS, ...filled] : filled,
    }))
  })
  return fc
    .tuple(...chains)
    .map((made) => ({ name: shape.name, chains: new Map(made.map((chain) => [chain.name, chain])) }))
}

type Place = { readonly shape: TableShape; readonly chain: string; readonly later: readonly string[] }

function rule(family: Family, place: Place): fc.Arbitrary<Rule> {
  return fc
    .tuple(
      fc.constantFrom('tcp', 'udp', undefined),
      fc.uniqueArray(match(family, place), { maxLength: 2, selector: ({ kind }) => kind }),
    )
    .chain(([protocol, matches]) =>
      fc.tuple(portMatch(protocol), target(family, { ...place, protocol })).map(([ports, chosen]): Rule => ({
        matches: [...(protocol === undefined ? [] : [{ kind: 'protocol' as const, protocol }]), ...matches, ...ports],
        target: chosen,
      })),
    )
}

function portMatch(protocol: string | undefined): fc.Arbitrary<Match[]> {
  if (protocol === undefined) return fc.constant([])
  const matches = LISTENING.flatMap((from) =>
    [{}, { negated: true }].map((not): Match[] => [{ kind: 'destination-port', protocol, from, to: from, ...not }]),
  )
  return fc.constantFrom<Match[]>([], ...matches)
}

function match(family: Family, { chain }: Place): fc.Arbitrary<Match> {
  const length = family === 'IPv4' ? 32 : 128
  const blocks = [
    family === 'IPv4' ? '10.96.0.0/24' : 'fd00:96::/64',
    `${virtualAddress(family, 1)}/${length}`,
    `${addressOf(family, 'client')}/${length}`,
    `${addressOf(family, 'alpha')}/${length}`,
    `${addressOf(family, 'client', 'router')}/${length}`,
  ]
  const address = fc
    .tuple(fc.constantFrom('source' as const, 'destination' as const), fc.constantFrom(...blocks))
    .map(([kind, cidr]): Match => ({ kind, cidr }))
  const plain: Match[] = [
    { kind: 'mark', value: 0x4000, mask: 0x4000 },
    { kind: 'address-type', of: 'destination', type: 'LOCAL' },
    { kind: 'address-type', of: 'source', type: 'LOCAL' },
    { kind: 'conntrack-state', states: ['NEW'] },
    { kind: 'conntrack-state', states: ['DNAT'] },
  ]
  const chance = fc
    .constantFrom(0, 0.5, 0.33333333349, 1)
    .map((probability): Match => ({ kind: 'random', probability }))
  const links = interfaces(chain)
  return fc
    .tuple(fc.oneof(address, fc.constantFrom(...plain), chance, ...links), fc.constantFrom({}, {}, { negated: true }))
    .map(([made, not]) => ({ ...made, ...not }))
}

/** Only built-in chains know which of the two there is. */
function interfaces(chain: string): fc.Arbitrary<Match>[] {
  const name = fc.constantFrom('client', 'alpha', 'sink', 'lo', 'al+')
  const inside = name.map((link): Match => ({ kind: 'in-interface', name: link }))
  const outside = name.map((link): Match => ({ kind: 'out-interface', name: link }))
  if (chain === 'FORWARD') return [inside, outside]
  if (/^(?:PREROUTING|INPUT)$/.test(chain)) return [inside]
  return /^(?:OUTPUT|POSTROUTING)$/.test(chain) ? [outside] : []
}

function target(family: Family, place: Place & { readonly protocol: string | undefined }): fc.Arbitrary<Target> {
  const marks = fc.constantFrom<Target>(
    { kind: 'mark', value: 0x4000, mask: 0x4000 },
    { kind: 'mark', value: 0x4000, mask: 0 },
    { kind: 'mark', value: 0, mask: 0xffffffff },
  )
  const ends = fc.constantFrom<Target>({ kind: 'return' }, { kind: 'accept' })
  const jumps = place.later.map((chain) => fc.constantFrom<Target>({ kind: 'jump', chain }, { kind: 'goto', chain }))
  // Jumps first and often: chains nobody enters test nothing.
  const leads = [...jumps, ...jumps]
  if (place.shape.name === 'mangle') return fc.oneof(marks, marks, ends, fc.constant<Target>({ kind: 'drop' }))
  if (place.shape.name === 'filter') {
    const refusal = family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'
    const rejects: Target[] = [{ kind: 'reject', with: refusal }]
    if (place.protocol === 'tcp') rejects.push({ kind: 'reject', with: 'tcp-reset' })
    return fc.oneof(...leads, marks, ends, fc.constantFrom<Target>({ kind: 'drop' }, ...rejects))
  }
  if (place.shape.hooks.includes('POSTROUTING')) {
    return fc.oneof(
      ...leads,
      marks,
      ends,
      fc.constantFrom<Target>({ kind: 'masquerade' }, { kind: 'masquerade', randomFully: true }),
    )
  }
  const dnat = destinations(family, place.protocol)
  return fc.oneof(...leads, marks, ends, dnat, dnat)
}

function destinations(family: Family, protocol: string | undefined): fc.Arbitrary<Target> {
  const addresses = [
    ...(['alpha', 'beta', 'gamma'] as const).map((host) => addressOf(family, host)),
    virtualAddress(family, 2),
    addressOf(family, 'client', 'router'),
  ]
  return fc.constantFrom(...addresses).map((address): Target => {
    if (protocol === undefined) return { kind: 'dnat', to: address }
    return { kind: 'dnat', to: family === 'IPv4' ? `${address}:8080` : `[${address}]:8080` }
  })
}
