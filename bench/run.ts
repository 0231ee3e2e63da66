/**
 * Runs one benchmark and keeps what it measured, with the machine it was measured on:
 *
 *   node --conditions=source bench/run.ts NAME     bench/NAME.bench.ts → bench/results/YYYY-MM-DD-NAME.{json,md}
 *
 * A benchmark exports `run`, which may read flags of its own after its name. Exit status 1: a goal was missed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'

import type { Measurement } from './measurement.ts'

const [name] = process.argv.slice(2)
if (name === undefined || !/^[a-z0-9-]+$/.test(name)) {
  process.stderr.write('usage: node --conditions=source bench/run.ts NAME\n')
  process.exit(2)
}
const { run, annex } = (await import(`./${name}.bench.ts`)) as {
  readonly run: () => Promise<readonly Measurement[]>
  /** After `run`: what else belongs into the files, for reading and for programs. */
  readonly annex?: () => { readonly markdown: string; readonly facts: unknown }
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 1024 / 1024),
  kernel: release(),
  node: process.version,
  load: loadavg().map((value) => Number(value.toFixed(1))),
}
const measurements = await run()
const more = annex?.()
const date = new Date().toISOString().slice(0, 10)
const folder = join(import.meta.dirname, 'results')
mkdirSync(folder, { recursive: true })
const file = join(folder, `${date}-${name}`)
writeFileSync(
  `${file}.json`,
  `${JSON.stringify({ name, date, machine, measurements, facts: more?.facts }, undefined, 2)}\n`,
)
writeFileSync(`${file}.md`, markdown())
process.stdout.write(readFileSync(`${file}.md`, 'utf8'))
if (measurements.some(({ met }) => met === false)) process.exitCode = 1

function markdown(): string {
  const facts = `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node.js ${machine.node}, load before ${machine.load.join(' ')}`
  const rows = measurements.map(
    ({ what, value, unit, goal, met }) =>
      `| ${what} | ${value} ${unit} | ${goal ?? ''} | ${met === undefined ? '' : met ? 'yes' : '**no**'} |`,
  )
  return `# ${name}, ${date}\n\n${facts}\n\n| measured | value | goal | met |\n|---|---|---|---|\n${rows.join('\n')}\n${more === undefined ? '' : `\n${more.markdown}`}`
}
