/**
 * The server of the DNS bench, beside an API server with N Services. Prints `ready MILLISECONDS` (from the first request
 * to the API to the moment every answer can be given), then serves until it is ended.
 *
 *   node --conditions=source bench/dns/serve-cluster.ts --services 10000 --port 5300
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { runDns } from '#dns'
import { silentLogger, systemClock } from '#lib'
import { connectApi } from '#watch'

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '10000' },
    port: { type: 'string', default: '5300' },
    upstream: { type: 'string' },
  },
})
const api = fork(fileURLToPath(new URL('fake-api.ts', import.meta.url)), [values.services], {
  stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
})
const [apiPort] = (await once(api.stdout ?? process.stdin, 'data')) as [Buffer]
const stop = new AbortController()
process.on('SIGTERM', () => {
  api.kill()
  process.exit(0)
})
const client = connectApi(
  { server: `http://127.0.0.1:${Number(apiPort.toString())}`, namespace: 'bench' },
  { clock: systemClock, userAgent: 'bench', signal: stop.signal },
)
const began = performance.now()
await runDns({
  source: { client },
  listen: { addresses: ['127.0.0.1'], port: Number(values.port) },
  upstreams: values.upstream === undefined ? [] : [values.upstream],
  clock: systemClock,
  logger: silentLogger,
  signal: stop.signal,
  onReady: () => process.stdout.write(`ready ${Math.round(performance.now() - began)}\n`),
})
