/**
 * Runs one test suite with node:test and adds its sums to the file named by SIGNALBOX_TEST_SUMS, if any.
 *
 *   node script/run-tests.mjs unit [FILE…]
 *
 * Kernel tests run file by file, each inside fresh user, network, mount and PID namespaces: nothing they do can reach the
 * host or each other, and everything they leave is gone with the last process.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const suites = {
  unit: { files: ['src/**/*.test.ts', 'architecture/*.test.mjs'], except: /\.kernel\.test\.ts$/, parallel: 4 },
  kernel: { files: ['src/**/*.kernel.test.ts'], namespaces: true, parallel: 2 },
  conformance: { files: ['conformance/**/*.test.ts'], parallel: 2 },
  scenario: { files: ['scenarios/**/*.test.ts'], parallel: 1 },
}

const [name, ...only] = process.argv.slice(2)
const suite = suites[name]
if (suite === undefined) {
  console.error(`usage: node script/run-tests.mjs ${Object.keys(suites).join('|')} [FILE…]`)
  process.exit(2)
}
const root = fileURLToPath(new URL('..', import.meta.url))
const files = (only.length > 0 ? only : globSync(suite.files, { cwd: root }))
  .filter((file) => !suite.except?.test(file))
  .sort()
if (files.length === 0) {
  console.error(`suite ${name} has no files`)
  process.exit(1)
}

const SANDBOX = [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  'sh',
  '-c',
  'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec "$@"',
  'sh',
]

const statuses = suite.namespaces
  ? await inTurn(files, suite.parallel, (file) => run([...SANDBOX, ...testCommand([file], 1)], 'pipe'))
  : [await run(testCommand(files, suite.parallel), 'inherit')]
process.exit(statuses.every((status) => status === 0) ? 0 : 1)

function testCommand(list, parallel) {
  const counter = fileURLToPath(new URL('lib/count-reporter.mjs', import.meta.url))
  return [
    process.execPath,
    '--conditions=source',
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-concurrency=${parallel}`,
    '--test-timeout=300000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${counter}`,
    '--test-reporter-destination=stderr',
    ...(process.env.UPDATE_SNAPSHOTS === '1' ? ['--test-update-snapshots'] : []),
    ...list,
  ]
}

/** With `pipe` the output is printed in one piece at the end, so that runs side by side do not mix theirs. */
function run(command, output) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: root,
      stdio: ['ignore', output, output === 'pipe' ? 'pipe' : 'inherit'],
      // Compiled once, not once a test file.
      env: { NODE_COMPILE_CACHE: `${root}node_modules/.cache/compile`, ...process.env, SIGNALBOX_SUITE: name },
    })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    child.on('close', (status) => {
      process.stdout.write(Buffer.concat(chunks))
      resolve(status ?? 1)
    })
  })
}

async function inTurn(list, parallel, work) {
  const waiting = [...list]
  const results = []
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) results.push(await work(item))
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return results
}
