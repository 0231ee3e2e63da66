/**
 * Measures one proxy, one mode, one size of cluster, in namespaces made for it; prints what it found as JSON:
 *
 *   node --conditions=source bench/proxy/measure.ts '{"mode":"nftables","services":1000,…}'
 *
 * Nothing counts that the kernel does not hold in the end: the rules are read back and compared with a fresh render.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'

import type { EndpointSlice } from '#api'
import { openNftables } from '#kernel'

import { quantile, rounded } from '../measurement.ts'
import { clusterIPOf, node, serviceOf, sliceOf } from './cluster.ts'
import type { FirstPacket, PacketLab } from './first-packet.ts'
import { POD, startPacketLab } from './first-packet.ts'
import { differences } from './live-rules.ts'
import type { LogLine, ProxyProcess } from './proxy-process.ts'
import { addNodeAddresses, cpuOf, kernelMemory, legacyTools, memoryOf, startProxy } from './proxy-process.ts'
import type { RecordedApi } from './recorded-api.ts'
import { startRecordedApi } from './recorded-api.ts'

export type Case = {
  readonly mode: 'iptables' | 'nftables'
  readonly legacy?: boolean
  readonly services: number
  readonly endpoints: number
  /** Single changes, one after the other. */
  readonly changes: number
  /** Seconds of 100 changes a second. */
  readonly stream: number
  /** Connections a target; 0 leaves first packets out. */
  readonly connects: number
}

export type Found = Case & {
  readonly load: number
  readonly coldSeconds: number
  readonly coldCpuSeconds: number
  readonly resident: number
  readonly highest: number
  readonly kernelMiB: number
  readonly change?: { readonly p50: number; readonly p99: number; readonly cpu: number }
  readonly streamed?: { readonly changes: number; readonly syncs: number; readonly cores: number }
  readonly packets?: Readonly<Record<'direct' | 'miss' | 'first' | 'middle' | 'last', FirstPacket>>
  readonly differences: readonly string[]
}

type Running = {
  readonly given: Case
  readonly api: RecordedApi
  readonly proxy: ProxyProcess
  readonly slices: EndpointSlice[]
  /** Counts the kernel's commits; undefined where it counts none. */
  readonly generation?: () => Promise<number>
}

const STREAM_PER_SECOND = 100

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

async function measure(given: Case): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-proxy-'))
  await addNodeAddresses()
  const lab = given.connects > 0 ? await startPacketLab() : undefined
  const services = Array.from({ length: given.services }, (_, which) => serviceOf(which))
  const slices = Array.from({ length: given.services }, (_, which) => sliceOf(which, given.endpoints))
  const api = await startRecordedApi([...services, ...slices, node])
  const tools = given.legacy === true ? legacyTools(folder) : undefined
  if (tools !== undefined) process.env['PATH'] = `${tools}:${process.env['PATH'] ?? ''}`
  const nft = given.legacy === true ? undefined : await openNftables({ family: 'ip' })
  const load = rounded(loadavg()[0] ?? 0)
  const direct = await lab?.dial(given.connects, [POD])
  const kernelBefore = kernelMemory()
  const started = performance.now()
  const proxy = startProxy({ mode: given.mode, url: api.url, folder })
  try {
    await proxy.line(({ msg }) => msg === 'all services are programmed')
    const coldSeconds = rounded((performance.now() - started) / 1000, 2)
    const coldCpuSeconds = rounded(cpuOf(proxy.pid) / 1000, 2)
    const kernelMiB = rounded(kernelMemory() - kernelBefore)
    await pause(1500)
    const generation = nft === undefined ? {} : { generation: () => nft.generation() }
    const running: Running = { given, api, proxy, slices, ...generation }
    const change = given.changes > 0 ? { change: await changeOneByOne(running) } : {}
    const streamed = given.stream > 0 ? { streamed: await changeInAStream(running) } : {}
    const packets = lab === undefined ? {} : { packets: await dialAll(lab, given, direct?.[0]) }
    const { resident, highest } = memoryOf(proxy.pid)
    const wrong = await differences(given.mode, { services, slices })
    const cold = { coldSeconds, coldCpuSeconds, resident, highest, kernelMiB }
    return { ...given, load, ...cold, ...change, ...streamed, ...packets, differences: wrong.slice(0, 10) }
  } finally {
    await proxy.stop('SIGKILL')
    await api.stop()
    nft?.close()
    lab?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const isPartial = (line: LogLine): boolean => line.msg === 'sync applied' && line['kind'] === 'partial'

/** Replaces one of a service's endpoints. */
function changeOne({ given, api, slices }: Running, turn: number): void {
  const which = (turn * 7919) % given.services
  const next = sliceOf(which, given.endpoints, turn + 1)
  slices[which] = next
  api.put(next)
}

/** From the write of the watch event to the kernel's commit, or to the word of the proxy where the kernel counts none. */
async function changeOneByOne(running: Running): Promise<NonNullable<Found['change']>> {
  const { given, proxy, generation } = running
  const took: number[] = []
  const cpuBefore = cpuOf(proxy.pid)
  for (let turn = 0; turn < given.changes; turn += 1) {
    const told = proxy.line(isPartial)
    const before = await generation?.()
    const from = performance.now()
    changeOne(running, turn)
    if (generation === undefined) await told
    else while ((await generation()) === before) await pause(0)
    took.push(performance.now() - from)
    await told
  }
  const cpu = rounded((cpuOf(proxy.pid) - cpuBefore) / given.changes)
  const sorted = took.toSorted((a, b) => a - b)
  return { p50: rounded(quantile(sorted, 0.5)), p99: rounded(quantile(sorted, 0.99)), cpu }
}

async function changeInAStream(running: Running): Promise<NonNullable<Found['streamed']>> {
  const { given, proxy } = running
  const logged = proxy.log.length
  const cpuBefore = cpuOf(proxy.pid)
  const from = performance.now()
  const total = given.stream * STREAM_PER_SECOND
  for (let turn = 0; turn < total; turn += 1) {
    changeOne(running, given.changes + turn)
    await pause(Math.max(0, from + ((turn + 1) * 1000) / STREAM_PER_SECOND - performance.now()))
  }
  const seconds = (performance.now() - from) / 1000
  const cores = rounded((cpuOf(proxy.pid) - cpuBefore) / 1000 / seconds, 2)
  let seen = -1
  while (seen !== proxy.log.length) {
    seen = proxy.log.length
    await pause(3000)
  }
  return { changes: total, syncs: proxy.log.slice(logged).filter(isPartial).length, cores }
}

async function dialAll(
  lab: PacketLab,
  { connects, services }: Case,
  direct: FirstPacket | undefined,
): Promise<NonNullable<Found['packets']>> {
  const targets = [0, services >> 1, services - 1].map((which) => `${clusterIPOf(which)}:80`)
  const [miss, first, middle, last] = await lab.dial(connects, [POD, ...targets])
  const none = { p50: Number.NaN, p99: Number.NaN }
  return {
    direct: direct ?? none,
    miss: miss ?? none,
    first: first ?? none,
    middle: middle ?? none,
    last: last ?? none,
  }
}

process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? '{}') as Case)))
