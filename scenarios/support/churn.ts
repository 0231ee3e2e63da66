/**
 * A proxy in trouble, in namespaces made for it; prints what came of it as JSON:
 *
 *   node --conditions=source scenarios/support/churn.ts MODE SECONDS SEED
 *
 * Services and endpoints change all the time. Meanwhile the API server disconnects, restarts and forgets, the proxy is
 * killed, and somebody flushes its rules.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { listProcesses, mustRun, runCommand } from '#kernel'

import { node } from '../../bench/proxy/cluster.ts'
import { differences } from '../../bench/proxy/live-rules.ts'
import type { ProxyProcess } from '../../bench/proxy/proxy-process.ts'
import { addNodeAddresses, startProxy } from '../../bench/proxy/proxy-process.ts'
import type { RecordedApi } from '../../bench/proxy/recorded-api.ts'
import { startRecordedApi } from '../../bench/proxy/recorded-api.ts'
import type { Random, RandomCluster } from './random-cluster.ts'
import { createRandom, createRandomCluster } from './random-cluster.ts'

export type Churned = {
  readonly changes: number
  /** What happened to the proxy meanwhile, and how often. */
  readonly trouble: Readonly<Record<string, number>>
  /** Seconds after the last change until the kernel held the last state, and what it lacked if it never did. */
  readonly settled: number
  readonly differences: readonly string[]
  /** Milliseconds until a flushed table was whole again, by what flushed it; null: not in time. */
  readonly healed: Readonly<Record<string, number | null>>
  /** Tables and processes that are there and should not be. */
  readonly leaked: readonly string[]
  /** Log lines that are errors, a few. */
  readonly errors: readonly unknown[]
}

type Mode = 'iptables' | 'nftables'

const SERVICES = 40
const PATIENCE = 40_000
/** Far below the hourly full sync: who heals in this time has noticed. */
const HEAL_PATIENCE = 30_000

const FLUSHES: Readonly<Record<Mode, readonly string[]>> = {
  nftables: ['nft flush ruleset', 'nft flush table ip signalbox', 'nft delete table ip6 signalbox'],
  iptables: ['nft flush ruleset', 'iptables -F -t nat', 'ip6tables -F -t filter'],
}

type World = {
  readonly mode: Mode
  readonly random: Random
  readonly api: RecordedApi
  readonly cluster: RandomCluster
  readonly start: () => ProxyProcess
  readonly log: ProxyProcess['log'][]
  proxy: ProxyProcess
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

const TROUBLES: Readonly<Record<string, (world: World) => Promise<void> | void>> = {
  'connections cut': ({ api }) => api.disconnect(),
  'watches ended': ({ api }) => api.endWatches(),
  'history forgotten': ({ api }) => {
    api.compact()
    api.disconnect()
  },
  'server restarted': async ({ api, random }) => {
    await api.stop()
    await pause(random.below(500))
    await api.start()
  },
  'proxy killed': async (world) => {
    await world.proxy.stop('SIGKILL')
    world.proxy = world.start()
    world.log.push(world.proxy.log)
  },
  'rules flushed': async ({ mode, random }) => {
    const flushes = FLUSHES[mode]
    // The table may be away because of the flush before.
    await runCommand('sh', ['-c', flushes[random.below(flushes.length)] ?? ''])
  },
}

async function churn(mode: Mode, seconds: number, seed: number): Promise<Churned> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-churn-'))
  await addNodeAddresses()
  const random = createRandom(seed)
  const api = await startRecordedApi([node])
  const start = (): ProxyProcess => startProxy({ mode, url: api.url, folder })
  const proxy = start()
  const world: World = {
    mode,
    random,
    api,
    start,
    proxy,
    log: [proxy.log],
    cluster: createRandomCluster(random, SERVICES),
  }
  try {
    const done = await changeAndTrouble(world, seconds)
    const settled = await settle(world)
    const healed: Record<string, number | null> = {}
    if (settled.differences.length === 0) for (const flush of FLUSHES[mode]) healed[flush] = await heal(world, flush)
    await world.proxy.stop()
    const left = await differences(mode, objectsOf(world))
    return {
      ...done,
      ...settled,
      differences: [...settled.differences, ...left.map((line) => `after its end: ${line}`)].slice(0, 20),
      healed,
      leaked: [...(await strangeTables(mode)), ...(await strangeProcesses())],
      errors: world.log
        .flat()
        .filter((line) => Number(line['level'] ?? 60) >= 50)
        .slice(0, 5),
    }
  } finally {
    await world.proxy.stop('SIGKILL')
    await api.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function changeAndTrouble(world: World, seconds: number): Promise<Pick<Churned, 'changes' | 'trouble'>> {
  const { random, cluster, api } = world
  const trouble: Record<string, number> = {}
  const until = performance.now() + seconds * 1000
  let changes = 0
  let running: Promise<void> | undefined
  let next = performance.now() + 1500
  while (performance.now() < until) {
    const { put, removed } = cluster.step()
    for (const object of removed) api.remove(object)
    for (const object of put) api.put(object)
    changes += 1
    if (running === undefined && performance.now() >= next) {
      const names = Object.keys(TROUBLES)
      const name = names[changes % names.length] ?? ''
      trouble[name] = (trouble[name] ?? 0) + 1
      running = Promise.resolve(TROUBLES[name]?.(world)).finally(() => {
        running = undefined
        next = performance.now() + random.below(1500)
      })
    }
    await pause(random.chance(0.1) ? random.below(200) : random.below(15))
  }
  await running
  return { changes, trouble }
}

function objectsOf({ cluster }: World): Parameters<typeof differences>[1] {
  return { services: [...cluster.services.values()], slices: [...cluster.slices.values()] }
}

async function settle(world: World): Promise<Pick<Churned, 'settled' | 'differences'>> {
  const from = performance.now()
  let found = await differences(world.mode, objectsOf(world))
  while (found.length > 0 && performance.now() - from < PATIENCE) {
    await pause(250)
    found = await differences(world.mode, objectsOf(world))
  }
  return { settled: Number(((performance.now() - from) / 1000).toFixed(2)), differences: found }
}

async function heal(world: World, flush: string): Promise<number | null> {
  // The proxy looks away for five times what its last full sync took (watch-rules.ts).
  const full = world.log.flat().findLast((line) => line.msg === 'sync applied' && line['kind'] === 'full')
  await pause(Math.min(5000, 6000 * Number(full?.['seconds'] ?? 0)))
  await mustRun('sh', ['-c', flush])
  const from = performance.now()
  while (performance.now() - from < HEAL_PATIENCE) {
    await pause(50)
    const looked = performance.now() - from
    if ((await differences(world.mode, objectsOf(world))).length === 0) return Math.round(looked)
  }
  return null
}

async function strangeTables(mode: Mode): Promise<string[]> {
  const wanted = mode === 'nftables' ? ['table ip signalbox', 'table ip6 signalbox'] : []
  const tables = (await mustRun('nft', ['list', 'tables'])).split('\n').filter((line) => line.includes('signalbox'))
  return tables.filter((table) => !wanted.includes(table))
}

/** Children of a proxy that was killed become ours and stay as zombies: ended all the same. */
async function strangeProcesses(): Promise<string[]> {
  return (await listProcesses())
    .filter(({ pid, state }) => pid !== process.pid && state !== 'Z')
    .map((entry) => JSON.stringify(entry))
}

const [mode = '', seconds = '', seed = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await churn(mode as Mode, Number(seconds), Number(seed))))
