/**
 * One call in ten fails, at the API and at the kernel, before or after it has done its work: what packets meet in the end
 * is what the behaviour suite says. On pretended kernels here, and on the real one in namespaces made for it.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'

import { createFakeIptables, createFakeNftables } from '#kernel'

import { behaviourUnderFaults } from './support/behaviour-under-faults.ts'
import { createFaults } from './support/faults.ts'
import { createRandom } from './support/random-cluster.ts'
import { ROOT, run } from './support/run-signalbox.ts'

const SEED = Number(process.env['SIGNALBOX_FAULT_SEED'] ?? Date.now() % 2 ** 31)

suite(`faulty fakes, seed ${SEED}`, () => {
  suite('iptables', () => {
    behaviourUnderFaults({
      title: 'iptables',
      mode: 'iptables',
      open: () =>
        Promise.resolve({ mode: 'iptables', doors: [createFakeIptables('IPv4'), createFakeIptables('IPv6')] }),
      faults: createFaults(createRandom(SEED)),
    })
  })
  suite('nftables', () => {
    behaviourUnderFaults({
      title: 'nftables',
      mode: 'nftables',
      open: () => Promise.resolve({ mode: 'nftables', doors: [createFakeNftables('ip'), createFakeNftables('ip6')] }),
      faults: createFaults(createRandom(SEED)),
    })
  })
})

suite(`the real kernel with faults, seed ${SEED}`, { concurrency: true }, () => {
  for (const mode of ['nftables', 'iptables']) {
    void test(mode, async (t) => {
      const prepare = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
      const sandbox = [
        '--user',
        '--map-root-user',
        '--net',
        '--mount',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
      ]
      const script = `${ROOT}scenarios/support/behaviour-on-kernel.ts`
      const node = [process.execPath, '--conditions=source', '--disable-warning=ExperimentalWarning', script]
      const args = [...sandbox, 'sh', '-c', prepare, 'sh', ...node, mode, String(SEED)]
      // Else it takes itself for a part of this run and speaks the runner's own protocol.
      const { status, stdout, stderr } = await run('unshare', args, { NODE_TEST_CONTEXT: '' })
      assert.equal(status, 0, `${stdout.slice(-5000)}${stderr.slice(-2000)}`)
      t.diagnostic(/\d+ worlds, \d+ faults/.exec(stdout)?.[0] ?? '')
      assert.match(stdout, /\d+ worlds, \d+ faults/)
    })
  }
})
