/**
 * The evaluator against real packets: whatever a random ruleset does to a flow in the kernel must be one of the outcomes
 * predicted for it, and the only one where chance plays no part.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import fc from 'fast-check'

import { FAMILIES, formatFraction, type Family } from '#lib'
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

import type { Ruleset } from './ast.ts'
import { evaluate } from './evaluate.ts'
import type { Evaluation } from './outcome.ts'
import type { HostFacts } from './packet.ts'
import { printIptablesSave } from './print.ts'
import { arbitraryTraffic } from './testing/arbitrary-traffic.ts'
import { rulesetOf } from './testing/read-fixture.ts'

let lab: PacketLab
before(async () => {
  lab = await createPacketLab()
})
after(async () => {
  await lab[Symbol.asyncDispose]()
})

function predict(
  ruleset: Ruleset,
  flow: Flow & { readonly sourcePort: number },
  more: Partial<HostFacts> = {},
): Evaluation {
  const packet = packetOfFlow(ruleset.family, flow)
  const evaluation = evaluate(ruleset, packet, { ...routerFacts(ruleset.family), ...more })
  assert.equal(evaluation.refused, undefined)
  return evaluation
}

async function compare(ruleset: Ruleset, flows: readonly Flow[], more: Partial<HostFacts> = {}): Promise<void> {
  await compareTraffic(lab, flows, (flow) => predict(ruleset, flow, more).outcomes)
}

function service(rules: readonly string[]): string {
  const chains = [':PREROUTING ACCEPT', ':OUTPUT ACCEPT', ':POSTROUTING ACCEPT', ':SVC -']
  return ['*nat', ...chains, ...rules, 'COMMIT', ''].join('\n')
}

function hostPort(family: Family, host: 'alpha' | 'beta' | 'gamma'): string {
  const address = addressOf(family, host)
  return family === 'IPv4' ? `${address}:8080` : `[${address}]:8080`
}

for (const family of FAMILIES) {
  const virtual = virtualAddress(family, 1)
  const client = addressOf(family, 'client')
  const alpha = addressOf(family, 'alpha')
  const flow: Flow = { from: 'client', protocol: 'UDP', source: client, destination: virtual, destinationPort: 80 }

  describe(family, () => {
    test('the plain cases look as they should, and are predicted so', async () => {
      const masquerade = '-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE'
      const hairpin = `-A SVC -s ${alpha} -j MARK --or-mark 0x4000`
      const dnat = (host: 'alpha' | 'beta') => `-A SVC -p udp -j DNAT --to-destination ${hostPort(family, host)}`
      const jump = `-A PREROUTING -d ${virtual} -j SVC`
      const mark = '-A SVC -j MARK --xor-mark 0x4000'
      const output = `-A OUTPUT -d ${virtual} -j SVC`
      const onBeta = '-A POSTROUTING -o beta -j MASQUERADE'
      const filter = (verdict: string, state = 'NEW', policy = 'ACCEPT') =>
        [
          `*filter\n:FORWARD ${policy}`,
          `-A FORWARD -m conntrack --ctstate ${state} -j ${verdict}`,
          '-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n',
        ].join('\n')
      const old = '*filter\n:OUTPUT DROP\n-A OUTPUT -o sink -j ACCEPT\nCOMMIT\n'
      const own: Flow = { ...flow, from: 'router', source: addressOf(family, 'sink', 'router') }
      const fromAlpha: Flow = { ...flow, from: 'alpha', source: alpha }
      const cases: readonly (readonly [string, Flow, string])[] = [
        [service([]), flow, `sink saw ${client} PORT`],
        [service([jump, dnat('beta')]), flow, `beta saw ${client} PORT`],
        [service([jump, dnat('alpha')]), fromAlpha, 'silent'],
        [
          service([jump, hairpin, dnat('alpha'), masquerade]),
          fromAlpha,
          `alpha saw ${addressOf(family, 'alpha', 'router')}`,
        ],
        [filter('DROP'), flow, 'silent'],
        [filter('REJECT'), flow, 'refused'],
        [filter('REJECT'), { ...flow, protocol: 'TCP' }, 'refused'],
        // XOR takes a mark away as well as it sets one.
        [service([jump, mark, mark, dnat('beta'), masquerade]), flow, `beta saw ${client} PORT`],
        [service([jump, mark, dnat('beta'), masquerade]), flow, `beta saw ${addressOf(family, 'beta', 'router')}`],
        // Filter sees that the flow was translated.
        [service([jump, dnat('beta')]) + filter('ACCEPT', 'DNAT', 'DROP'), flow, `beta saw ${client} PORT`],
        [service([jump]) + filter('ACCEPT', 'DNAT', 'DROP'), flow, 'silent'],
        // OUTPUT sees the interface of the old destination throughout, POSTROUTING that of the new one.
        [service([output, dnat('beta')]) + old, own, `beta saw ${own.source} PORT`],
        [service([output, dnat('beta'), onBeta]) + old, own, `beta saw ${addressOf(family, 'beta', 'router')}`],
      ]
      for (const [text, packet, expected] of cases) {
        const ruleset = rulesetOf(text, family)
        lab.load(family, text)
        const sourcePort = 10_000
        const seen = predict(ruleset, { ...packet, sourcePort }).outcomes.map((outcome) => appearance(outcome, packet))
        assert.deepEqual(seen, [expected.replace('PORT', `${sourcePort}`)])
        await compare(ruleset, [packet])
      }
    })

    test('a prediction for other rules than the loaded ones is found out', async () => {
      const rules = (host: 'alpha' | 'beta') =>
        service([`-A PREROUTING -p udp -j DNAT --to-destination ${hostPort(family, host)}`])
      lab.load(family, rules('alpha'))
      await assert.rejects(compare(rulesetOf(rules('beta'), family), [flow]), /alpha saw .* not one of: beta saw/)
    })

    test('random rulesets do what the evaluator says', async () => {
      await fc.assert(
        fc.asyncProperty(arbitraryTraffic(family), async (ruleset) => {
          lab.load(family, printIptablesSave(ruleset))
          await compare(ruleset, exampleFlows(family))
        }),
        { numRuns: 20, endOnFailure: true },
      )
    })

    test('IPT-26: a client that was seen goes where it went', async () => {
      const list = (host: string) => `--name ${host} --rsource`
      const hosts = ['alpha', 'beta', 'gamma'] as const
      const text = service([
        `-A PREROUTING -d ${virtual} -p udp -j SVC`,
        ...hosts.map(
          (host) =>
            `-A SVC -p udp -m recent --rcheck --seconds 60 ${list(host)} -m recent --set ${list(host)} -j DNAT --to-destination ${hostPort(family, host)}`,
        ),
        `-A SVC -p udp -m statistic --mode random --probability 0.3333333333 -m recent --set ${list('alpha')} -j DNAT --to-destination ${hostPort(family, 'alpha')}`,
        `-A SVC -p udp -m statistic --mode random --probability 0.5 -m recent --set ${list('beta')} -j DNAT --to-destination ${hostPort(family, 'beta')}`,
        `-A SVC -p udp -m recent --set ${list('gamma')} -j DNAT --to-destination ${hostPort(family, 'gamma')}`,
      ])
      lab.load(family, text)
      const ruleset = rulesetOf(text, family)
      const first = await lab.send('client', { ...flow, patience: PATIENT })
      assert.equal(first.kind, 'answered')
      const recent = (name: string): number | undefined =>
        first.kind === 'answered' && name === first.by ? 0 : undefined
      assert.equal(predict(ruleset, { ...flow, sourcePort: 1 }).outcomes.length, 3)
      assert.equal(predict(ruleset, { ...flow, sourcePort: 1 }, { recent }).outcomes.length, 1)
      await compare(
        ruleset,
        Array.from({ length: 8 }, () => flow),
        { recent },
      )
    })
  })
}

test('IPT-25: three endpoints share 600 flows evenly', async () => {
  const family = 'IPv4'
  const hosts = ['alpha', 'beta', 'gamma'] as const
  const chances = [
    ' -m statistic --mode random --probability 0.3333333333',
    ' -m statistic --mode random --probability 0.5',
    '',
  ]
  const virtual = virtualAddress(family, 1)
  const text = service([
    `-A PREROUTING -d ${virtual} -j SVC`,
    ...hosts.map((host, at) => `-A SVC -p udp${chances[at]} -j DNAT --to-destination ${hostPort(family, host)}`),
  ])
  lab.load(family, text)
  const flow: Flow = {
    from: 'client',
    protocol: 'UDP',
    source: addressOf(family, 'client'),
    destination: virtual,
    destinationPort: 80,
  }
  const { outcomes } = predict(rulesetOf(text, family), { ...flow, sourcePort: 1 })
  assert.deepEqual(
    outcomes.map((outcome) => formatFraction(outcome.probability)),
    ['1/3', '1/3', '1/3'],
  )

  const counts = new Map<string, number>(hosts.map((host) => [host, 0]))
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
