/**
 * The proxy as a process through a bad time: random changes while the API server, the rules and the proxy itself go away
 * and come back. SIGNALBOX_CHURN_SECONDS makes it longer, SIGNALBOX_CHURN_SEED repeats one.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { runInSandbox } from '../bench/proxy/sandbox.ts'
import type { Churned } from './support/churn.ts'

const SECONDS = Number(process.env['SIGNALBOX_CHURN_SECONDS'] ?? 20)
const SEED = Number(process.env['SIGNALBOX_CHURN_SEED'] ?? Date.now() % 2 ** 31)
const SCRIPT = `${import.meta.dirname}/support/churn.ts`

void test(
  'churn, outages, kills and flushes end in exactly the rules of the last state',
  { concurrency: true, timeout: (SECONDS + 240) * 1000 },
  async (t) => {
    await Promise.all(
      (['nftables', 'iptables'] as const).map((mode) =>
        t.test(mode, async (each) => {
          const done = (await runInSandbox(SCRIPT, [mode, String(SECONDS), String(SEED)])) as Churned
          each.diagnostic(JSON.stringify({ seed: SEED, ...done }))
          assert.ok(done.changes > SECONDS * 5, `${done.changes} changes`)
          assert.ok(Object.keys(done.trouble).length > 0, 'nothing happened to the proxy')
          assert.deepEqual(done.differences, [], `seed ${SEED}`)
          assert.deepEqual(done.leaked, [], `seed ${SEED}`)
          for (const [flush, took] of Object.entries(done.healed)) {
            assert.ok(took !== null, `${flush}: not noticed`)
          }
        }),
      ),
    )
  },
)
