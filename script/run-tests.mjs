/**
 * Runs one test suite with node:test and adds its sums to the file named by SIGNALBOX_TEST_SUMS, if any.
 *
 *   node script/run-tests.mjs unit [FILE…]
 *
 * kernel, scenario and conformance run inside fresh user, network, mount and PID namespaces: nothing they do can reach
 * the host, and everything they leave is gone with the last process.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const suites = {
  unit: {
    files: ['src/**/*.test.ts', 'architecture/*.test.mjs'],
    except: /\.kernel\.test\.ts$/,
    namespaces: false,
    parallel: 2,
  },
  kernel: { files: ['src/**/*.kernel.test.ts'], namespaces: true, parallel: 1 },
  scenario: { files: ['scenarios/**/*.test.ts'], namespaces: false, parallel: 1 },
  conformance: { files: ['conformance/**/*.test.ts'], namespaces: false, parallel: 2 },
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

const counter = fileURLToPath(new URL('lib/count-reporter.mjs', import.meta.url))
const node = [
  process.execPath,
  '--conditions=source',
  '--disable-warning=ExperimentalWarning',
  '--test',
  `--test-concurrency=${suite.parallel}`,
  '--test-timeout=300000',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${counter}`,
  '--test-reporter-destination=stderr',
  ...(process.env.UPDATE_SNAPSHOTS === '1' ? ['--test-update-snapshots'] : []),
  ...files,
]
const sandbox = [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
]
const inside = ['sh', '-c', 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec "$@"', 'sh']
const command = suite.namespaces ? [...sandbox, ...inside, ...node] : node
const result = spawnSync(command[0], command.slice(1), {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, SIGNALBOX_SUITE: name },
})
process.exit(result.status ?? 1)
