import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { FragmentChange } from '#backends/shared'
import type { NftablesDoor } from '#kernel'
import { openNftables } from '#kernel'
import { evaluate } from '#rulesets/nftables'
import type { HostFacts, Packet } from '#rulesets/shared'
import { diff } from './diff.ts'
import { TABLE } from './names.ts'
import { ownersOf } from './owners.ts'
import type { Fragment, Program } from './program.ts'
import { reconcile } from './reconcile.ts'
import { renderStatic } from './render-static.ts'
import type { Sample } from './testing/sample-services.ts'
import { fragmentOf, NODE } from './testing/sample-services.ts'
import type { Transaction } from './transaction.ts'
import { changesOf } from './transaction.ts'

let door: NftablesDoor
before(async () => {
  door = await openNftables({ family: 'ip' })
})
after(() => door.close())

const HOST: HostFacts = {
  addressType: (address) => (address === '172.18.0.11' ? 'LOCAL' : 'UNICAST'),
  route: () => ({ outInterface: 'eth0', source: '172.18.0.11' }),
}

/** Three services that want one external address, each in every shape there is, or not at all. */
const KEYS = ['ns/s1', 'ns/s2', 'ns/s3']
const shapes: fc.Arbitrary<(which: number, hosts: readonly number[]) => Sample> = fc.constantFrom(
  () => ({}),
  () => ({ affinitySeconds: 60 }),
  (which: number) => ({ externalIPs: ['203.0.113.9'], nodePort: 30000 + which }),
  (which: number) => ({ externalIPs: ['203.0.113.9'], nodePort: 30000 + which, affinitySeconds: 60 }),
  (which: number, hosts: readonly number[]) => ({
    virtualIPs: ['203.0.113.9'],
    nodePort: 30000 + which,
    externalSources: 'short-circuit' as const,
    sourceRanges: ['192.0.2.0/24', '198.51.100.0/24'],
    external: outcomeOf(hosts),
  }),
)

function outcomeOf(hosts: readonly number[]): Exclude<Sample['external'], undefined> {
  if (hosts.length === 0) return { kind: 'reject' }
  return hosts.some((host) => host < 100) ? { kind: 'forward', list: 'local' } : { kind: 'drop' }
}

const hosts = fc
  .uniqueArray(fc.constantFrom(1, 2, 3, 101, 102), { maxLength: 4 })
  .map((list) => list.sort((a, b) => a - b))
const worlds = fc
  .array(fc.option(fc.tuple(shapes, hosts), { freq: 4 }), { minLength: 3, maxLength: 3 })
  .map((list): ReadonlyMap<string, Fragment> => {
    const services = new Map<string, Fragment>()
    for (const [at, made] of list.entries()) {
      if (made === null) continue
      const [shape, pods] = made
      const sample = { ...shape(at, pods), hosts: pods, name: `${KEYS[at]}`, clusterIP: `10.96.0.${at + 1}` }
      services.set(`${KEYS[at]}`, fragmentOf(sample))
    }
    return services
  })

const program = (services: ReadonlyMap<string, Fragment>): Program => ({
  family: 'IPv4',
  static: renderStatic(NODE),
  services,
})

const QUESTIONS = ['10.244.1.99', '192.0.2.9', '10.244.1.1'].flatMap((source) =>
  ['10.96.0.1:80', '10.96.0.2:80', '10.96.0.3:80', '203.0.113.9:80', '172.18.0.11:30000', '172.18.0.11:30002'].map(
    (to): Packet => {
      const [destination = '', port] = to.split(':')
      return {
        family: 'IPv4',
        protocol: 'TCP',
        source,
        sourcePort: 4000,
        destination,
        destinationPort: Number(port),
        origin: 'forwarded',
        inInterface: 'eth0',
      }
    },
  ),
)

/** What the kernel's rules do with each question: where to, as which source, or how it ends. */
async function answers(): Promise<readonly ReadonlySet<string>[]> {
  const table = await door.read(TABLE)
  return QUESTIONS.map((packet) => {
    const { outcomes, refused } = evaluate({ tables: table === undefined ? [] : [table] }, packet, HOST)
    assert.equal(refused, undefined)
    return new Set(
      outcomes.map(({ verdict, translated }) =>
        verdict === 'accepted'
          ? `${translated.destination?.address ?? 'untouched'} ${translated.source?.address ?? ''}`
          : verdict,
      ),
    )
  })
}

async function go(transaction: Transaction, between: () => Promise<void>): Promise<void> {
  for (const piece of transaction.steps) {
    await door.apply({ table: TABLE, changes: changesOf([piece]) })
    // What only creates is met by no packet.
    if (piece.kind === 'elements' || piece.changes.some(({ change }) => change === 'flush-chain')) await between()
  }
  if (transaction.removals.length > 0) await door.apply({ table: TABLE, changes: transaction.removals })
}

for (const how of ['diff', 'reconcile'] as const) {
  test(`after each piece of a ${how} a packet goes where it went, or where it is to go`, async () => {
    await fc.assert(
      fc.asyncProperty(worlds, worlds, async (from, to) => {
        await go(reconcile(await door.read(TABLE), program(from)), () => Promise.resolve())
        const old = await answers()
        const transaction =
          how === 'diff'
            ? diff('IPv4', changesFrom(from, to), ownersOf(from))
            : reconcile(await door.read(TABLE), program(to))
        const seen: (readonly ReadonlySet<string>[])[] = []
        await go(transaction, async () => void seen.push(await answers()))
        const next = await answers()
        assert.deepEqual(reconcile(await door.read(TABLE), program(to)).steps, [])
        for (const moment of seen) {
          for (const [at, met] of moment.entries()) {
            const before = old[at] ?? new Set()
            const then = next[at] ?? new Set()
            // An address that belongs to nobody before or afterwards may be refused in between.
            const comes =
              before.has('untouched ') || then.has('untouched ') || before.has('dropped') || then.has('dropped')
            for (const word of met) {
              assert.ok(
                before.has(word) || then.has(word) || (comes && word === 'rejected'),
                `${JSON.stringify(QUESTIONS[at])}: ${word}, was ${[...before].join()}, becomes ${[...then].join()}`,
              )
            }
          }
        }
      }),
      { numRuns: 6, seed: 7, endOnFailure: true },
    )
  })
}

function changesFrom(
  from: ReadonlyMap<string, Fragment>,
  to: ReadonlyMap<string, Fragment>,
): FragmentChange<Fragment>[] {
  return KEYS.map((key) => {
    const [before, after] = [from.get(key), to.get(key)]
    return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
  })
}

test('a table that has all of it gone is empty but for what is static', async () => {
  await go(reconcile(await door.read(TABLE), program(new Map([['ns/web', fragmentOf({ hosts: [1] })]]))), () =>
    Promise.resolve(),
  )
  await go(reconcile(await door.read(TABLE), program(new Map())), () => Promise.resolve())
  const live = await door.read(TABLE)
  assert.deepEqual(
    [...(live?.sets.values() ?? [])].flatMap(({ elements }) => elements.map(({ key }) => key.join())),
    ['172.18.0.11'],
  )
})
