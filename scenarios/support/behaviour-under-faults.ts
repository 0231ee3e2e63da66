/**
 * The behaviour suite of the proxy modes, asked not of a fresh render but of the rules that a running proxy has left in a
 * kernel, real or pretended, after one call in ten of its doors and its API has failed.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import * as iptables from '#rulesets/iptables'
import * as nftables from '#rulesets/nftables'
import { systemClock } from '#lib'

import { askEndpoints } from '../../src/proxy/behaviour-endpoints.shared.ts'
import { askPorts } from '../../src/proxy/behaviour-ports.shared.ts'
import { askTargets } from '../../src/proxy/behaviour-targets.shared.ts'
import type { Evaluation, ModeUnderTest, Questions } from '../../src/proxy/testing/ask.ts'
import { createQuestions } from '../../src/proxy/testing/ask.ts'
import type { Faults } from './faults.ts'
import type { Doors, FaultyProxy } from './faulty-proxy.ts'
import { startFaultyProxy } from './faulty-proxy.ts'
import { inIPv6 } from './in-ipv6.ts'

type Input = Parameters<ModeUnderTest['evaluate']>[0]
/** How often each world comes around, from whatever was before. */
const ROUNDS = 2

/** Rules that some kernel held. */
type Snapshot = (packet: Input['packet'], host: Input['host']) => Evaluation

/** Where nftables mode differs; the tests of the mode itself ask what it does instead (nftables-behaviour.test.ts). */
const SKIPPED = {
  iptables: [],
  nftables: ['TG-18', 'EP-20', 'CC-36', 'CC-54', 'CC-64'].map((id) => ({ id, reason: 'differs in nftables mode' })),
}

export function behaviourUnderFaults(options: {
  readonly title: string
  readonly open: () => Promise<Doors>
  readonly mode: Doors['mode']
  readonly faults: Faults
}): void {
  const { title, mode, faults } = options
  const snapshots = new Map<string, Snapshot>()
  let opened: Doors | undefined

  before(async () => {
    opened = await options.open()
    for (const inputs of byConfig(collectWorlds(mode)).values()) {
      const proxy = startFaultyProxy(opened, { ...options, config: inputs[0]?.config as Input['config'] })
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const input of inputs) snapshots.set(keyOf(input), await settle(proxy, opened, input))
      }
      await proxy.stop()
    }
  })
  after(() => {
    if (opened?.mode === 'nftables') for (const door of opened.doors) door.close()
  })
  const questions = createQuestions({
    mode: title,
    skip: SKIPPED[mode],
    evaluate: (input) => {
      const snapshot = snapshots.get(keyOf(input))
      assert.ok(snapshot !== undefined, 'the world was not set up')
      return snapshot(input.packet, input.host)
    },
  })
  askAll(questions)
  void test(`${title}: faults did strike`, (t) => {
    t.diagnostic(`${snapshots.size} worlds, ${faults.count} faults`)
    assert.ok(faults.count > snapshots.size / 4, `${faults.count} faults in ${snapshots.size} worlds`)
  })
}

async function settle(proxy: FaultyProxy, under: Doors, input: Input): Promise<Snapshot> {
  await proxy.set({ ...objectsOf(input), node: input.node })
  await proxy.settled()
  // What came late must not undo it.
  await systemClock.sleep(5)
  await proxy.settled()
  const which = input.family === 'IPv4' ? 0 : 1
  if (under.mode === 'iptables') {
    const text = (await under.doors[which]?.save()) ?? ''
    const { ruleset } = iptables.parseIptablesSave(text, input.family)
    return (packet, host) => iptables.evaluate(ruleset, packet, host)
  }
  const table = await under.doors[which]?.read('signalbox')
  return (packet, host) => nftables.evaluate({ tables: table === undefined ? [] : [table] }, packet, host)
}

/** Every world that the suite asks about. */
function collectWorlds(mode: string): Input[] {
  const found = new Map<string, Input>()
  const { evaluate } = createQuestions({
    mode,
    skip: [],
    evaluate: (input) => {
      found.set(keyOf(input), input)
      return { outcomes: [] }
    },
  })
  askAll({
    evaluate,
    // Asks about a world and finds the answer wanting, which is of no interest yet.
    rule: (_, run) => assert.throws(run),
    table: (_, world, asked) => {
      for (const [from, to] of asked) evaluate(world, from, to)
    },
  })
  return [...found.values()]
}

/** What behaviour.shared.ts asks, of both families. */
function askAll(questions: Questions): void {
  for (const asked of [questions, inIPv6(questions)]) for (const ask of [askTargets, askEndpoints, askPorts]) ask(asked)
}

function byConfig(inputs: readonly Input[]): Map<string, Input[]> {
  return Map.groupBy(inputs, ({ config }) => JSON.stringify(config))
}

function keyOf(input: Input): string {
  return JSON.stringify([input.family, input.config, objectsOf(input)])
}

function objectsOf({ state }: Input): Pick<Parameters<FaultyProxy['set']>[0], 'services' | 'slices'> {
  const services = [...state.services.values()]
  return { services, slices: [...state.services.keys()].flatMap((key) => [...state.slicesOf(key)]) }
}
