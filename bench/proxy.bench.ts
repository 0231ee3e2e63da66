/**
 * A whole `signalbox proxy` process against a recorded API server, in namespaces made for each case: cold start, one change
 * of an endpoint, a stream of changes, first packets, memory. Quick unless asked:
 *
 *   npm run bench -- proxy [--full] [--sizes 100,1000] [--modes nftables,iptables,legacy] [--changes 30] [--stream 3]
 *                          [--connects 2000] [--endpoints 10] [--minutes 60]
 */
import { spawnSync } from 'node:child_process'
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import type { Measurement } from './measurement.ts'
import { below } from './measurement.ts'
import { baselineTable } from './proxy/baseline.ts'
import { caseTable } from './proxy/case-table.ts'
import type { Case, Found } from './proxy/measure.ts'
import { runInSandbox } from './proxy/sandbox.ts'

const MODES = {
  nftables: { mode: 'nftables' },
  iptables: { mode: 'iptables' },
  legacy: { mode: 'iptables', legacy: true },
} as const

type ModeName = keyof typeof MODES

/** Seconds of cold start, by mode and services. */
const COLD_GOALS: Readonly<Record<string, number>> = {
  'nftables 10000': 4,
  'iptables 10000': 60,
  'legacy 10000': 10,
}
const RESIDENT_GOAL = 300
const SCRIPT = `${import.meta.dirname}/proxy/measure.ts`

const results: { readonly name: ModeName; readonly found: Found }[] = []
const failures: string[] = []
const notRun: string[] = []

export async function run(): Promise<readonly Measurement[]> {
  const { cases, minutes } = plan(process.argv.slice(3))
  const deadline = performance.now() + minutes * 60_000
  for (const { name, given } of cases) {
    const left = Math.round(deadline - performance.now())
    if (left <= 0) {
      notRun.push(`${name}, ${given.services} × ${given.endpoints}`)
      continue
    }
    process.stderr.write(`${name}, ${given.services} services × ${given.endpoints}, load ${loadavg()[0]?.toFixed(1)}\n`)
    try {
      results.push({ name, found: (await runInSandbox(SCRIPT, [JSON.stringify(given)], left)) as Found })
    } catch (error) {
      const what = `${name}, ${given.services} × ${given.endpoints}`
      if (performance.now() >= deadline) notRun.push(what)
      else failures.push(`${what}: ${String(error)}`)
    }
  }
  return [
    ...results.flatMap(toMeasurements),
    ...failures.map((what) => ({ what, value: Number.NaN, unit: '', met: false })),
  ]
}

export function annex(): { readonly markdown: string; readonly facts: unknown } {
  const tools = ['nft', 'iptables', 'iptables-legacy'].map((tool) => {
    const { stdout, error } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
    return error === undefined ? stdout.trim() : `${tool}: not installed`
  })
  const notes = [
    '## How',
    '',
    `${tools.join(', ')}. Each case is one process in fresh namespaces, beside the server it watches and whoever else uses the`,
    'machine; the load average at its start is among the facts in the JSON file. A change replaces one endpoint of one service;',
    'its latency runs from the write of the watch event to the commit the kernel counts (with the legacy variant: to the',
    "proxy's word). CPU is that of the process and the children it waited for, in the kernel's steps of 10 ms. First packets",
    'are TCP connects through two links: "direct" to a pod before the proxy starts, when the kernel does not even track',
    'connections, "miss" to the same pod with all rules there, the rest to the cluster IPs of the first, the middle and the last',
    'service. Kernel memory is the growth of slab, vmalloc and per-CPU memory of the whole machine: noisy. At the end of',
    'each case the rules are read back and compared with a fresh render.',
    '',
    ...(notRun.length === 0 ? [] : [`Not run, or not to the end, for lack of time: ${notRun.join('; ')}.`, '']),
  ]
  return {
    markdown: [caseTable(results.map(({ found }) => found)), baselineTable(), notes.join('\n')].join('\n'),
    facts: { tools, cases: results.map(({ found }) => found) },
  }
}

type Plan = { readonly cases: readonly { readonly name: ModeName; readonly given: Case }[]; readonly minutes: number }

function plan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      sizes: { type: 'string' },
      modes: { type: 'string', default: 'nftables,iptables,legacy' },
      changes: { type: 'string', default: '30' },
      stream: { type: 'string', default: '3' },
      connects: { type: 'string', default: '2000' },
      endpoints: { type: 'string', default: '10' },
      minutes: { type: 'string', default: '60' },
    },
  })
  const sizes = (values.sizes ?? (values.full ? '100,1000,10000' : '100,1000')).split(',').map(Number)
  const rest = {
    endpoints: Number(values.endpoints),
    changes: Number(values.changes),
    stream: Number(values.stream),
    connects: Number(values.connects),
  }
  const names = values.modes.split(',') as ModeName[]
  const cases = sizes.flatMap((services) =>
    names.map((name) => ({ name, given: { ...MODES[name], services, ...rest } })),
  )
  const minutes = Number(values.minutes)
  if (!values.full) return { cases, minutes }
  // First packets alone: what they cost depends on services, not on how many endpoints each has.
  const packets = { services: 30_000, endpoints: 1, changes: 0, stream: 0, connects: rest.connects }
  return { cases: [...cases, ...names.map((name) => ({ name, given: { ...MODES[name], ...packets } }))], minutes }
}

function toMeasurements({ name, found }: (typeof results)[number]): Measurement[] {
  const { services, endpoints, change, streamed, packets } = found
  const at = `${name}, ${services} × ${endpoints}`
  const goal = COLD_GOALS[`${name} ${services}`]
  const cold = { what: `${at}: cold start, process to last rule`, value: found.coldSeconds, unit: 's' }
  const resident = { what: `${at}: resident memory, highest`, value: found.highest, unit: 'MiB' }
  const packet = (what: keyof NonNullable<typeof packets>): Measurement[] =>
    packets === undefined
      ? []
      : [{ what: `${at}: TCP connect, ${what}, median`, value: Math.round(packets[what].p50), unit: 'µs' }]
  return [
    goal === undefined || endpoints !== 10 ? cold : below(goal, cold),
    { what: `${at}: CPU of the cold start`, value: found.coldCpuSeconds, unit: 's' },
    below(RESIDENT_GOAL, resident),
    { what: `${at}: kernel memory, growth`, value: found.kernelMiB, unit: 'MiB' },
    ...(change === undefined
      ? []
      : [
          { what: `${at}: one change, event to kernel, median`, value: change.p50, unit: 'ms' },
          { what: `${at}: one change, event to kernel, p99`, value: change.p99, unit: 'ms' },
          { what: `${at}: CPU a change`, value: change.cpu, unit: 'ms' },
        ]),
    ...(streamed === undefined
      ? []
      : [
          { what: `${at}: 100 changes/s, cores in use`, value: streamed.cores, unit: '' },
          {
            what: `${at}: 100 changes/s, changes a sync`,
            value: Math.round(streamed.changes / streamed.syncs),
            unit: '',
          },
        ]),
    ...(['direct', 'miss', 'first', 'middle', 'last'] as const).flatMap(packet),
    {
      what: `${at}: rules that differ in the end`,
      value: found.differences.length,
      unit: '',
      met: found.differences.length === 0,
    },
  ]
}
