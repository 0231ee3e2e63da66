/** The server that apiserver.bench.ts measures, as a process of its own; until it is killed. */
import { writeSync } from 'node:fs'

import { runApiServer } from '#apiserver'
import { silentLogger, systemClock } from '#lib'

const [stateDir = '', tokensFile = ''] = process.argv.slice(2)
const server = await runApiServer({
  stateDir,
  listen: { host: '127.0.0.1', port: 0 },
  advertise: { addresses: ['172.18.0.10'], port: 6443 },
  serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  tokensFile,
  clock: systemClock,
  logger: silentLogger,
})
writeSync(1, `${JSON.stringify({ port: server.port, ca: server.caCertificate })}\n`)
