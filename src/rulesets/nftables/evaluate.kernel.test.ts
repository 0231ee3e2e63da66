/**
 * The evaluator against real packets: whatever a random ruleset does to a flow in the kernel must be one of the outcomes
 * predicted for it, and the only one where chance plays no part.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'

import { addFractions, FAMILIES, formatFraction, fraction, type Family, type Fraction } from '#lib'
import {
  addressOf,
  appearance,
  compareTraffic,
  createPacketLab,
  exampleFlows,
  packetOfFlow,
  PATIENT,
  routerFacts,
  virtualAddress,
  type Flow,
  type PacketLab,
} from '#rulesets/shared/testing'

import type { NftRuleset } from './ast.ts'
import { evaluate } from './evaluate.ts'
import type { NftEvaluation, NftHostFacts } from './outcome.ts'
import { parseNftRuleset } from './parse.ts'
import { printNftRuleset } from './print.ts'
import { arbitraryTraffic } from './testing/arbitrary-traffic.ts'

let lab: PacketLab
before(async () => {
  lab = await createPacketLab()
})
after(async () => {
  await lab[Symbol.asyncDispose]()
})

function predict(
  ruleset: NftRuleset,
  flow: Flow & { readonly sourcePort: number },
  { family, more = {} }: { readonly family: Family; readonly more?: Partial<NftHostFacts> },
): NftEvaluation {
  const evaluation = evaluate(ruleset, packetOfFlow(family, flow), { ...routerFacts(family), ...more })
  assert.equal(evaluation.refused, undefined)
  return evaluation
}

/** Parsed from what nft lists: what is predicted is what is loaded. */
function load(text: string): NftRuleset {
  lab.loadNft(text)
  const { stdout, status } = spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })
  assert.equal(status, 0)
  const { ruleset, problems } = parseNftRuleset(stdout)
  assert.deepEqual(problems, [])
  return ruleset
}

function table(family: Family, lines: readonly string[]): string {
  return `table ${family === 'IPv4' ? 'ip' : 'ip6'} t {\n${lines.join('\n')}\n}\n`
}

/** How likely each appearance is, whatever ways lead to it. */
function shares({ outcomes }: NftEvaluation, flow: Flow): ReadonlyMap<string, string> {
  const sums = new Map<string, Fraction>()
  for (const outcome of outcomes) {
    const seen = appearance(outcome, flow)
    sums.set(seen, addFractions(sums.get(seen) ?? fraction(0), outcome.probability))
  }
  return new Map([...sums].map(([seen, share]) => [seen, formatFraction(share)]))
}

for (const family of FAMILIES) {
  const [ip, host] = family === 'IPv4' ? ['ip', (a: string) => a] : ['ip6', (a: string) => `[${a}]`]
  const virtual = virtualAddress(family, 1)
  const [client, alpha, beta] = (['client', 'alpha', 'beta'] as const).map((name) => addressOf(family, name))
  assert.ok(client !== undefined && alpha !== undefined && beta !== undefined)
  const flow: Flow = { from: 'client', protocol: 'UDP', source: client, destination: virtual, destinationPort: 80 }
  const router = (name: 'alpha' | 'beta') => addressOf(family, name, 'router')

  describe(family, () => {
    test('the plain cases look as they should, and are predicted so', async () => {
      const chain = (name: string, base: string, ...rules: readonly string[]) =>
        `chain ${name} {\ntype ${base};\n${rules.join('\n')}\n}`
      const pre = (...rules: readonly string[]) => chain('pre', 'nat hook prerouting priority dstnat', ...rules)
      const forward = (...rules: readonly string[]) =>
        chain('forward', 'filter hook forward priority filter', 'ct state established,related accept', ...rules)
      const dnat = (to: string) => `${ip} daddr ${virtual} meta l4proto udp dnat to ${host(to)}:8080`
      const fromAlpha: Flow = { ...flow, from: 'alpha', source: alpha }
      const own: Flow = { ...flow, from: 'router', source: addressOf(family, 'sink', 'router') }
      const cases: readonly (readonly [readonly string[], Flow, string])[] = [
        [[], flow, `sink saw ${client} PORT`],
        [[pre(dnat(beta))], flow, `beta saw ${client} PORT`],
        [[pre(dnat(alpha))], fromAlpha, 'silent'],
        [
          [pre(dnat(alpha)), chain('post', 'nat hook postrouting priority srcnat', 'ct status dnat masquerade')],
          fromAlpha,
          `alpha saw ${router('alpha')}`,
        ],
        [[forward('drop')], flow, 'silent'],
        [[forward('reject')], flow, 'refused'],
        [[forward('reject with tcp reset')], { ...flow, protocol: 'TCP' }, 'refused'],
        [[forward('reject with tcp reset')], flow, `sink saw ${client} PORT`],
        // An accept ends its own base chain; the next one at the hook is asked all the same.
        [[forward('accept'), chain('later', 'filter hook forward priority 10', 'drop')], flow, 'silent'],
        [[forward('drop'), chain('later', 'filter hook forward priority 10', 'accept')], flow, 'silent'],
        // A filter chain ahead of the translation sees the old destination, one behind it the new.
        [
          [pre(dnat(beta)), chain('raw', 'filter hook prerouting priority -110', `${ip} daddr ${virtual} drop`)],
          flow,
          'silent',
        ],
        [[pre(dnat(beta)), forward(`${ip} daddr ${virtual} drop`)], flow, `beta saw ${client} PORT`],
        // Of two chains of type nat at a hook the first that translates is the last asked.
        [
          [pre(dnat(beta)), chain('pre2', 'nat hook prerouting priority -99', `dnat to ${alpha}`)],
          flow,
          `beta saw ${client} PORT`,
        ],
        // Chains of type nat run at -100 whatever their own priority.
        [
          [
            chain('pre', 'nat hook prerouting priority 50', dnat(beta)),
            chain('mid', 'filter hook prerouting priority -50', `${ip} daddr ${virtual} drop`),
          ],
          flow,
          `beta saw ${client} PORT`,
        ],
        [[chain('out', 'nat hook output priority -100', dnat(beta))], own, `beta saw ${own.source} PORT`],
        [
          [
            chain('out', 'nat hook output priority -100', dnat(beta)),
            chain('post', 'nat hook postrouting priority srcnat', 'oifname "beta" masquerade'),
          ],
          own,
          `beta saw ${router('beta')}`,
        ],
        // A miss in a map ends the rule only.
        [
          [pre(`meta l4proto udp dnat ${ip} to numgen random mod 2 map { 7 : ${beta} . 8080 }`, dnat(alpha))],
          flow,
          `alpha saw ${client} PORT`,
        ],
      ]
      for (const [lines, packet, expected] of cases) {
        const ruleset = load(table(family, lines))
        const sourcePort = 10_000
        const { outcomes } = predict(ruleset, { ...packet, sourcePort }, { family })
        assert.deepEqual(
          outcomes.map((outcome) => appearance(outcome, packet)),
          [expected.replace('PORT', `${sourcePort}`)],
          lines.join('\n'),
        )
        await compareTraffic(lab, [packet], (asked) => predict(ruleset, asked, { family }).outcomes)
      }
    })

    test('a prediction for other rules than the loaded ones is found out', async () => {
      const rules = (to: string) =>
        table(family, [
          'chain pre {',
          'type nat hook prerouting priority dstnat',
          `meta l4proto udp dnat to ${host(to)}:8080`,
          '}',
        ])
      load(rules(alpha))
      const { ruleset } = parseNftRuleset(rules(beta))
      await assert.rejects(
        compareTraffic(lab, [flow], (asked) => predict(ruleset, asked, { family }).outcomes),
        /alpha saw .* not one of: beta saw/,
      )
    })

    test('random rulesets do what the evaluator says', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryTraffic(family), async (made) => {
          const ruleset = load(printNftRuleset(made))
          await compareTraffic(lab, exampleFlows(family), (asked) => predict(ruleset, asked, { family }).outcomes)
          // The listing says the same as what was loaded.
          for (const asked of exampleFlows(family)) {
            const [one, other] = [ruleset, made].map((rules) => predict(rules, { ...asked, sourcePort: 1 }, { family }))
            assert.ok(one !== undefined && other !== undefined)
            assert.deepEqual(shares(one, asked), shares(other, asked))
          }
        }),
        { numRuns: 15, endOnFailure: true },
      )
    })

    test('NFT-14: a client that was seen goes where it went', async () => {
      const hosts = { alpha, beta } as const
      const chains = Object.entries(hosts).flatMap(([name, address]) => [
        `set aff-${name} {\ntype ${family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'}\nflags dynamic,timeout\ntimeout 1h\n}`,
        `chain ep-${name} {\nupdate @aff-${name} { ${ip} saddr }\nmeta l4proto udp dnat to ${host(address)}:8080\n}`,
      ])
      const ruleset = load(
        table(family, [
          ...chains,
          'chain pre {',
          'type nat hook prerouting priority dstnat',
          ...Object.keys(hosts).map((name) => `${ip} saddr @aff-${name} goto ep-${name}`),
          'numgen random mod 2 vmap { 0 : goto ep-alpha, 1 : goto ep-beta }',
          '}',
        ]),
      )
      const first = await lab.send('client', { ...flow, patience: PATIENT })
      assert.equal(first.kind, 'answered')
      const by = first.kind === 'answered' ? first.by : ''
      const setHas = (_table: string, set: string, key: string): boolean => set === `aff-${by}` && key === client
      assert.equal(predict(ruleset, { ...flow, sourcePort: 1 }, { family }).outcomes.length, 2)
      assert.equal(predict(ruleset, { ...flow, sourcePort: 1 }, { family, more: { setHas } }).outcomes.length, 1)
      // A listing taken now knows it as well.
      const { stdout } = spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })
      assert.equal(predict(parseNftRuleset(stdout).ruleset, { ...flow, sourcePort: 1 }, { family }).outcomes.length, 1)
      const flows = Array.from({ length: 8 }, () => flow)
      await compareTraffic(lab, flows, (asked) => predict(ruleset, asked, { family, more: { setHas } }).outcomes)
    })
  })
}

test('NFT-13: three endpoints share 600 flows evenly', async () => {
  const family = 'IPv4'
  const hosts = ['alpha', 'beta', 'gamma'] as const
  const virtual = virtualAddress(family, 1)
  const key = 'ip daddr . meta l4proto . th dport . numgen random mod'
  const ruleset = load(
    table(family, [
      'map endpoints {',
      `typeof ${key} 65536 : ip daddr . th dport`,
      `elements = { ${hosts.map((name, slot) => `${virtual} . udp . 80 . ${slot} : ${addressOf(family, name)} . 8080`).join(', ')} }`,
      '}',
      'chain pre {',
      'type nat hook prerouting priority dstnat',
      `dnat ip to ${key} 3 map @endpoints`,
      '}',
    ]),
  )
  const flow: Flow = {
    from: 'client',
    protocol: 'UDP',
    source: addressOf(family, 'client'),
    destination: virtual,
    destinationPort: 80,
  }
  const { outcomes } = predict(ruleset, { ...flow, sourcePort: 1 }, { family })
  assert.deepEqual(
    outcomes.map((outcome) => formatFraction(outcome.probability)),
    ['1/3', '1/3', '1/3'],
  )
  const counts = new Map<string, number>(hosts.map((name) => [name, 0]))
  for (let round = 0; round < 12; round += 1) {
    const sightings = await Promise.all(
      Array.from({ length: 50 }, () => lab.send('client', { ...flow, patience: PATIENT })),
    )
    for (const sighting of sightings) {
      assert.ok(sighting.kind === 'answered')
      counts.set(sighting.by, (counts.get(sighting.by) ?? 0) + 1)
    }
  }
  assert.deepEqual([...counts.keys()], [...hosts])
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0)
  // With two degrees of freedom the probability of at least this is exactly e^(-x/2).
  assert.ok(Math.exp(-chiSquare / 2) > 0.0001, `${JSON.stringify([...counts])}`)
})
