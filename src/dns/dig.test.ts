/** The same server asked by an independent client: dig from BIND's dnsutils, where it is installed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import type { FixtureServer } from './testing/start-fixture.ts'
import { startFixture } from './testing/start-fixture.ts'

const run = promisify(execFile)
const S = 'testns.svc.cluster.local'
const installed = await run('dig', ['-v']).then(
  () => true,
  () => false,
)
const skip = installed ? false : 'dig is not installed (Debian package dnsutils)'

let server: FixtureServer

before(async () => {
  server = await startFixture({ maxUdpBytes: 4096 })
})

after(() => server.dns.close())

async function dig(...args: string[]): Promise<string> {
  const { stdout } = await run('dig', [`@${server.address}`, '-p', String(server.port), '+tries=1', ...args])
  assert.doesNotMatch(stdout, /malformed|parser reports|extra bytes/i)
  return stdout.trim()
}

test('dig: addresses, services, reverse names', { skip }, async () => {
  assert.equal(await dig('+short', `web.${S}`), '10.96.1.1')
  assert.equal(await dig('+short', `dual.${S}`, 'AAAA'), 'fd00:10:96::3')
  assert.equal(await dig('+short', `_http._tcp.web.${S}`, 'SRV'), `0 100 80 web.${S}.`)
  assert.equal(await dig('+short', '-x', '10.96.0.1'), 'kubernetes.default.svc.cluster.local.')
  assert.equal(await dig('+short', '-x', 'fd00:10:96::3'), `dual.${S}.`)
  assert.equal(await dig('+short', 'dns-version.cluster.local', 'TXT'), '"1.1.0"')
  assert.equal(await dig('+short', `extsvc.${S}`), `web.${S}.\n10.96.1.1`)
})

test('dig: a hundred addresses over TCP, over EDNS, and after truncation', { skip }, async () => {
  for (const options of [['+tcp'], ['+bufsize=4096'], ['+noedns']]) {
    const lines = (await dig('+short', ...options, `hdlsbig.${S}`)).split('\n')
    assert.equal(lines.filter((line) => line.startsWith('10.2.0.')).length, 100, options.join())
  }
})

test('dig: NXDOMAIN with SOA, NODATA, EDNS version negotiation', { skip }, async () => {
  const missing = await dig(`nothing.${S}`)
  assert.match(missing, /status: NXDOMAIN/)
  assert.match(missing, /cluster\.local\.\s+30\s+IN\s+SOA\s+ns\.dns\.cluster\.local\./)
  assert.match(await dig(`web.${S}`, 'AAAA'), /status: NOERROR.*ANSWER: 0, AUTHORITY: 1/s)
  assert.match(await dig('+edns=1', '+noednsneg', `web.${S}`), /status: BADVERS/)
})
