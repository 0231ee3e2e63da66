import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FragmentChange, Program as SharedProgram } from '#backends/shared'
import type { NodePlan, ServicePortPlan } from '#dataplane'
import { createFakeIptables } from '#kernel'
import type { Family } from '#lib'
import { FAMILIES, numberToAddress } from '#lib'
import type { Evaluation, HostFacts, Packet, Rule, Ruleset } from '#rulesets/iptables'
import { evaluate, parseIptablesSave, printIptablesSave, printRule } from '#rulesets/iptables'
import { createIptablesBackend } from './create-backend.ts'
import { findDrift } from './find-drift.ts'
import { isPrefixChain } from './prefix-chains.ts'
import type { Fragment, Program, Static } from './program.ts'
import { renderService } from './render-service.ts'
import { renderStatic } from './render-static.ts'
import { toRuleset } from './to-ruleset.ts'

function nodeOf(family: Family): NodePlan {
  return {
    family,
    masqueradeMark: 0x4000,
    masqueradeAll: false,
    nodePortAddresses: { kind: 'all-local', loopback: false },
    localhostNodePorts: false,
    dropInvalid: true,
    serviceCIDRs: [],
  }
}

type Shape = {
  /** Place in the service range; far ones are outside it. */
  readonly at: number
  readonly far?: boolean
  readonly udp?: boolean
  readonly nodePort?: number
  readonly empty?: boolean
  readonly externalIP?: number
}

function addressAt(family: Family, shape: Pick<Shape, 'at' | 'far'>): string {
  const range =
    family === 'IPv4'
      ? shape.far === true
        ? 0xcb007100n
        : 0x0a600000n
      : BigInt(shape.far === true ? '0x20010db8' : '0xfd001000') << 96n
  return numberToAddress(range + BigInt(shape.at), family)
}

function fragmentOf(name: string, shape: Shape, family: Family): Fragment {
  const host = family === 'IPv4' ? '10.244.1.1' : 'fd00:244::1'
  const key = family === 'IPv4' ? `${host}:8080` : `[${host}]:8080`
  const list = shape.empty === true ? [] : [{ key, address: host, port: 8080, local: true }]
  const outcome = list.length > 0 ? ({ kind: 'forward', list: 'cluster' } as const) : ({ kind: 'reject' } as const)
  const outside = shape.nodePort !== undefined || shape.externalIP !== undefined
  const port: ServicePortPlan = {
    name: `ns/${name}`,
    protocol: shape.udp === true ? 'udp' : 'tcp',
    servicePort: 80,
    clusterIP: addressAt(family, shape),
    externalIPs: shape.externalIP === undefined ? [] : [addressAt(family, { at: shape.externalIP, far: true })],
    virtualIPs: [],
    ...(shape.nodePort === undefined ? {} : { nodePort: shape.nodePort }),
    sourceRanges: [],
    allowVirtualIPSources: false,
    internal: outcome,
    ...(outside ? { external: outcome } : {}),
    internalMasquerade: 'never',
    externalSources: 'everyone',
    clusterDestinations: list,
    localDestinations: [],
    reachable: list,
  }
  return renderService({ key: `ns/${name}`, family, ports: [port] }, nodeOf(family))
}

function programOf(family: Family, services: ReadonlyMap<string, Fragment>): Program {
  return { family, static: renderStatic(nodeOf(family)), services }
}

/** The same rules without any tree: what kube-proxy would have. */
function flat(program: SharedProgram<Static, Fragment>): Ruleset {
  const ruleset = toRuleset(program)
  const entries = [...program.services.values()].flatMap((fragment) => fragment.entries)
  const tables = [...ruleset.tables].map(([name, table]) => {
    const chains = [...table.chains].flatMap(([chain, held]): [string, typeof held][] => {
      if (isPrefixChain(chain)) return []
      const shared = program.static.shared.find((each) => each.table === name && each.chain === chain)
      if (shared === undefined) return [[chain, held]]
      const rules: Rule[] = entries
        .filter((entry) => entry.table === name && entry.chain === chain)
        .map(({ rule }) => rule)
      return [[chain, { ...held, rules: [...rules, ...shared.tail] }]]
    })
    return [name, { ...table, chains: new Map(chains) }] as const
  })
  return { ...ruleset, tables: new Map(tables) }
}

const HOST: HostFacts = {
  addressType: (address) => (address === '172.18.0.11' || address === 'fd00:172::11' ? 'LOCAL' : 'UNICAST'),
  route: (destination) => ({
    outInterface: 'eth0',
    source: destination.includes(':') ? 'fd00:172::11' : '172.18.0.11',
  }),
}

type To = { readonly destination: string; readonly port: number; readonly udp?: boolean }

function ask(ruleset: Ruleset, { destination, port, udp }: To): Evaluation {
  const packet: Packet = {
    family: ruleset.family,
    protocol: udp === true ? 'UDP' : 'TCP',
    source: ruleset.family === 'IPv4' ? '10.244.2.9' : 'fd00:244::2:9',
    sourcePort: 40000,
    destination,
    destinationPort: port,
    origin: 'forwarded',
    inInterface: 'eth0',
  }
  return evaluate(ruleset, packet, HOST)
}

const outcomesOf = ({ outcomes, refused }: Evaluation): unknown => [
  refused,
  outcomes.map(({ verdict, translated, probability, delivered }) => ({ verdict, translated, probability, delivered })),
]

const shapes: fc.Arbitrary<Shape> = fc.record(
  {
    at: fc.oneof(fc.nat(40), fc.nat(65_535)),
    far: fc.boolean(),
    udp: fc.boolean(),
    nodePort: fc.integer({ min: 30000, max: 30060 }),
    empty: fc.boolean(),
    externalIP: fc.nat(60),
  },
  { requiredKeys: ['at'], noNullPrototype: true },
)

for (const family of FAMILIES) {
  test(`changes step by step give the rules of a fresh render, and no chain is left behind (${family})`, async () => {
    const steps = fc.array(fc.tuple(fc.nat(70), fc.option(shapes, { nil: undefined, freq: 4 })), {
      minLength: 1,
      maxLength: 40,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 5 }), async (batches) => {
        const fake = createFakeIptables(family)
        const backend = createIptablesBackend(fake)
        const held = new Map<string, Fragment>()
        await backend.apply(backend.reconcile(fake.ruleset(), programOf(family, held)))
        for (const batch of batches) {
          const changes = new Map<string, FragmentChange<Fragment>>()
          for (const [which, shape] of batch) {
            const key = `ns/s${which}`
            const before = held.get(key)
            const after = shape === undefined ? undefined : fragmentOf(`s${which}`, shape, family)
            changes.set(key, {
              key,
              ...(before === undefined ? {} : { before }),
              ...(after === undefined ? {} : { after }),
            })
          }
          for (const { key, after } of changes.values()) {
            if (after === undefined) held.delete(key)
            else held.set(key, after)
          }
          await backend.apply(backend.diff([...changes.values()]))
          assert.deepEqual(findDrift(fake.ruleset(), programOf(family, held)), [])
        }
      }),
      { numRuns: 10, seed: 4, endOnFailure: true },
    )
  })

  test(`the tree answers every packet as the flat chain does (${family})`, () => {
    const places = fc.uniqueArray(fc.oneof(fc.nat(60), fc.nat(65_535)), { minLength: 20, maxLength: 60 })
    fc.assert(
      fc.property(places, fc.array(fc.nat(65_535), { maxLength: 5 }), fc.nat(30), (taken, others, seed) => {
        // No two on one address and port: of those, neither layout says which one wins.
        const list = taken.map((at, index): Shape => {
          const kind = (index + seed) % 5
          const outside = { nodePort: 30000 + index * 3, externalIP: 100_000 + index * 7 }
          return { at, far: kind === 1, udp: kind === 2, empty: kind === 3, ...(kind > 2 ? outside : {}) }
        })
        const named = list.map((shape, index): [string, Fragment] => [
          `ns/s${index}`,
          fragmentOf(`s${index}`, shape, family),
        ])
        const program = programOf(family, new Map(named))
        const [tree, plain] = [toRuleset(program), flat(program)]
        const node = family === 'IPv4' ? '172.18.0.11' : 'fd00:172::11'
        const strangers = others.map((at): Shape => ({
          at,
          nodePort: 30000 + (at % 200),
          externalIP: 100_000 + (at % 500),
        }))
        for (const shape of [...list, ...strangers]) {
          const udp = shape.udp === true
          for (const to of [
            { destination: addressAt(family, shape), port: 80, udp },
            { destination: addressAt(family, shape), port: 81, udp },
            { destination: addressAt(family, { at: shape.externalIP ?? 3, far: true }), port: 80, udp },
            { destination: node, port: shape.nodePort ?? 22, udp },
          ]) {
            assert.deepEqual(outcomesOf(ask(tree, to)), outcomesOf(ask(plain, to)), JSON.stringify(to))
          }
        }
      }),
      { numRuns: 6, seed: 9, endOnFailure: true },
    )
  })
}

function loaded(count: number, family: Family = 'IPv4'): Program {
  const services = Array.from({ length: count }, (_, index): [string, Fragment] => {
    // Spread over the range as an allocator spreads them.
    const shape: Shape = { at: (index * 40_503 + 1) % 65_536, ...(index < 500 ? { nodePort: 30000 + index } : {}) }
    return [`ns/s${index}`, fragmentOf(`s${index}`, shape, family)]
  })
  return programOf(family, new Map(services))
}

test('up to sixteen frontends the shared chains are flat, as kube-proxy has them; one more and a tree appears', () => {
  const prefixChains = (program: Program): string[] =>
    [...toRuleset(program).tables.values()].flatMap((table) => [...table.chains.keys()].filter(isPrefixChain))
  assert.deepEqual(prefixChains(loaded(16)), [])
  assert.notDeepEqual(prefixChains(loaded(17)), [])
  const [one = ''] = prefixChains(loaded(17))
  assert.match(one, /^KUBE-(SVC-10\.96\.\d+\.\d+|EXT-tcp-\d+)\/\d+$/)
})

test('the node-port jump stays the last rule of KUBE-SERVICES over a tree', () => {
  const rules = toRuleset(loaded(200)).tables.get('nat')?.chains.get('KUBE-SERVICES')?.rules ?? []
  assert.match(
    rules.at(-1) === undefined ? '' : printRule(rules.at(-1) as Rule),
    /must be the last rule in this chain.* -j KUBE-NODEPORTS$/,
  )
})

test('rules looked at grow with the logarithm of the number of services', () => {
  const most = (count: number, to: (index: number) => To): number => {
    const ruleset = toRuleset(loaded(count))
    return Math.max(...Array.from({ length: 40 }, (_, index) => ask(ruleset, to(index)).rulesConsidered))
  }
  const hit = (index: number): To => ({
    destination: addressAt('IPv4', { at: (index * 40_503 + 1) % 65_536 }),
    port: 80,
  })
  const free = (index: number): To => ({ destination: addressAt('IPv4', { at: (index * 997 + 3) % 65_536 }), port: 81 })
  const elsewhere = (index: number): To => ({ destination: `8.8.${index}.8`, port: 443 })
  assert.ok(most(4096, hit) <= most(256, hit) + 8)
  assert.ok(most(4096, free) <= most(256, free) + 8)
  assert.equal(most(4096, elsewhere), most(256, elsewhere))
})

test('chain names fit the kernel, are told apart, and read back as printed', () => {
  for (const family of FAMILIES) {
    const ruleset = toRuleset(loaded(300, family))
    const names = [...ruleset.tables.values()].flatMap((table) => [...table.chains.keys()])
    assert.ok(names.every((name) => name.length <= 28))
    assert.ok(names.some(isPrefixChain))
    const text = printIptablesSave(ruleset)
    assert.equal(printIptablesSave(parseIptablesSave(text, family).ruleset), text)
  }
})

test('one more service among thousands is a few lines, and one less too', async () => {
  const fake = createFakeIptables('IPv4')
  const backend = createIptablesBackend(fake)
  const program = loaded(2000)
  await backend.apply(backend.reconcile(fake.ruleset(), program))
  const counts: number[] = []
  for (let at = 2; at < 20_000; at += 997) {
    const after = fragmentOf('new', { at }, 'IPv4')
    const added = backend.diff([{ key: 'ns/new', after }])
    counts.push(backend.sizeOf(added).lines)
  }
  // Its own chains are 5 lines; a leaf that overflows gives way to a branch (5) over
  // at most 9 entries in 4 chains, and 2 to hang it up.
  assert.ok(Math.max(...counts) <= 5 + 9 + 4 + 5 + 2, String(Math.max(...counts)))
  assert.equal(Math.min(...counts), 6)
})
