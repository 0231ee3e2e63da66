/**
 * Bad requests against a real server on a TLS socket: every one is answered as kube-apiserver would, with a Status, or in
 * plain text outside the API; nothing ends in an error of the server's own; afterwards it serves, and its file holds exactly
 * what it says it holds.
 */
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { gzipSync } from 'node:zlib'

import fc from 'fast-check'

import type { KubeObject } from '#api'
import type { ApiServer } from '#apiserver'
import { runApiServer } from '#apiserver'
import { silentLogger, systemClock } from '#lib'

import type { FuzzRequest } from './fuzz-requests.ts'
import { fuzzRequest, SAMPLES } from './fuzz-requests.ts'

const REQUESTS = Number(process.env['SIGNALBOX_FUZZ_REQUESTS'] ?? 50_000)
const BATCH = 100
const TOKEN = 'fuzz-token-0123456789'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'))
const failures: string[] = []
let server: ApiServer
let agent: Agent

before(async () => {
  const tokensFile = join(folder, 'tokens.json')
  writeFileSync(tokensFile, JSON.stringify([{ token: TOKEN, user: 'fuzzer', groups: ['system:masters'] }]), {
    mode: 0o600,
  })
  server = await runApiServer({
    stateDir: folder,
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['172.18.0.10'], port: 6443 },
    serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    tokensFile,
    clock: systemClock,
    // Whatever the server did not expect is logged as an error.
    logger: { ...silentLogger, error: (text, fields) => void failures.push(`${text} ${JSON.stringify(fields)}`) },
  })
  agent = new Agent({ keepAlive: true, maxSockets: 24, ca: server.caCertificate })
  const made = await send({ method: 'POST', path: '/api/v1/namespaces', body: json({ metadata: { name: 'fuzz' } }) })
  assert.equal(made.code, 201, made.text)
  for (const { path, object } of SAMPLES) await send({ method: 'POST', path, body: json(object) })
})
after(async () => {
  agent.destroy()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

type Reply = { readonly code: number; readonly type: string; readonly text: string }

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

function send(
  request: Pick<FuzzRequest, 'method' | 'path'> & Partial<Pick<FuzzRequest, 'headers' | 'body'>>,
): Promise<Reply> {
  const { method, path, headers = {}, body } = request
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(body.byteLength) }
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const all = { Authorization: `Bearer ${TOKEN}`, ...type, ...length, ...headers }
    const outgoing = httpsRequest(
      { host: '127.0.0.1', port: server.port, agent, method, path, headers: all },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            text: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** What is wrong with an answer to a bad request. */
function complaint(request: FuzzRequest, { code, type, text }: Reply): string | undefined {
  if (!request.allowed(code)) return `answers ${code}`
  if (/node:internal|\.ts:\d+|at \w+ \(/.test(text)) return 'shows a stack trace'
  if (code < 400 || request.method === 'HEAD') return undefined
  // `Expect` with anything but 100-continue is answered below the API, in Go as here (RFC 9110 10.1.1).
  if (code === 417) return text === '' ? undefined : 'answers 417 with a body'
  if (code === 404 && type.startsWith('text/plain'))
    return text === '404 page not found\n' ? undefined : 'another plain 404'
  let status: {
    kind?: unknown
    apiVersion?: unknown
    status?: unknown
    code?: unknown
    message?: unknown
    reason?: unknown
  }
  try {
    status = JSON.parse(text) as typeof status
  } catch {
    return 'answers with something that is no JSON'
  }
  const isStatus = status.kind === 'Status' && status.apiVersion === 'v1' && status.status === 'Failure'
  if (!isStatus || status.code !== code) return 'answers an error that is no Status of its code'
  if (typeof status.message !== 'string' || status.message === '') return 'has no message'
  // The code of what the server did not expect; upstream's unclassified errors have no reason.
  if (status.reason === 'InternalError') return 'fails'
  return undefined
}

function describeFailure(request: FuzzRequest, outcome: { reply: Reply; wrong: string; seed: number }): string {
  const { way, method, path, headers, body = new Uint8Array() } = request
  const { reply, wrong, seed } = outcome
  const sent = Buffer.from(body).toString('latin1').slice(0, 600)
  const head = `${method} ${path} ${JSON.stringify(headers)}`
  return `${way}: ${wrong} (SIGNALBOX_FUZZ_SEED=${seed})\n${head}\n${sent}\n\n${reply.code} ${reply.text.slice(0, 600)}\n${failures.at(-1) ?? ''}`
}

/** The same requests in every run of the suite, so that a failure is the change's; `random` goes hunting. */
function seedOf(wanted: string | undefined): number {
  return wanted === 'random' ? randomInt(2 ** 30) : Number(wanted ?? 118_469_695)
}

describe('bad requests', () => {
  it(`are answered with what is wrong with them, ${REQUESTS} of them`, async () => {
    const codes = new Map<number, number>()
    const seed = seedOf(process.env['SIGNALBOX_FUZZ_SEED'])
    for (let sent = 0; sent < REQUESTS; sent += BATCH) {
      const batch = fc.sample(fuzzRequest, { numRuns: BATCH, seed: seed + sent })
      const replies = await Promise.all(batch.map((request) => send(request)))
      for (const [i, reply] of replies.entries()) {
        const request = batch[i] as FuzzRequest
        codes.set(reply.code, (codes.get(reply.code) ?? 0) + 1)
        const wrong = complaint(request, reply)
        if (wrong !== undefined) assert.fail(describeFailure(request, { reply, wrong, seed: seed + sent }))
      }
    }
    assert.deepEqual(failures.splice(0), [])
    // Had all been valid, or all been stopped at the door, nothing would have been tried.
    for (const code of [200, 201, 400, 401, 404, 405, 409, 415, 422])
      assert.ok((codes.get(code) ?? 0) > 0, `no ${code}`)
  })

  it('of sizes and depths that would fill its memory or its stack are refused', async () => {
    const path = `/api/v1/namespaces/fuzz/configmaps`
    const post = (body: Uint8Array, headers: Record<string, string> = {}): Promise<Reply> =>
      send({ method: 'POST', path, body, headers })
    const large = Buffer.alloc(3_145_729, 0x20)
    const deep = 200_000
    const laughs = Array.from(
      { length: 12 },
      (_, i) => `a${i}: &a${i} [${Array.from({ length: 10 }, () => (i === 0 ? 'lol' : `*a${i - 1}`)).join(',')}]`,
    )
    const yaml = { 'Content-Type': 'application/yaml' }
    const cases: readonly [string, number, Promise<Reply>][] = [
      ['too large', 413, post(large)],
      ['too large once unpacked', 413, post(gzipSync(Buffer.alloc(64 * 1024 * 1024)), { 'Content-Encoding': 'gzip' })],
      ['deep JSON', 400, post(Buffer.from(`{"data":${'['.repeat(deep)}${']'.repeat(deep)}}`))],
      ['deep YAML', 400, post(Buffer.from('['.repeat(20_000)), yaml)],
      ['a billion laughs', 400, post(Buffer.from(`apiVersion: v1\nkind: ConfigMap\n${laughs.join('\n')}\n`), yaml)],
      [
        'a deep merge patch',
        400,
        send({
          method: 'PATCH',
          path: `${path}/x`,
          body: Buffer.from(`{"data":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`),
          headers: { 'Content-Type': 'application/merge-patch+json' },
        }),
      ],
      [
        'an endless selector',
        400,
        send({ method: 'GET', path: `${path}?labelSelector=${encodeURIComponent('a in ('.repeat(800))}` }),
      ],
    ]
    for (const [what, code, reply] of cases) {
      const { code: got, text } = await reply
      assert.equal(got, code, `${what}: ${text.slice(0, 300)}`)
    }
    assert.deepEqual(failures.splice(0), [])
  })

  it('that are no HTTP, or never end, do not keep others from being served', async () => {
    const open = (text: string | Uint8Array): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.caCertificate }, () =>
          socket.write(text),
        )
        let answer = ''
        socket.setTimeout(1_500, () => socket.destroy())
        socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
        socket.on('error', () => resolve(answer))
        socket.on('close', () => resolve(answer))
      })
    const auth = `Host: x\r\nAuthorization: Bearer ${TOKEN}\r\n`
    const bad: readonly (string | Uint8Array)[] = [
      'GET',
      'GET / HTTP/9.9\r\n\r\n',
      'GET /api\0 HTTP/1.1\r\nHost: x\r\n\r\n',
      `POST /api/v1/namespaces HTTP/1.1\r\n${auth}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /api/v1/namespaces HTTP/1.1\r\n${auth}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `POST /api/v1/namespaces HTTP/1.1\r\n${auth}Content-Length: -1\r\n\r\n`,
      `GET /api HTTP/1.1\r\n${auth}X: ${'a'.repeat(64 * 1024)}\r\n\r\n`,
      `GET /api HTTP/1.1\r\n${auth} folded: line\r\n\r\n`,
      `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n${auth}\r\n`,
      Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff, 0x00]),
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]
    // Slow ones: a head and a body that do not come, and a watch that nobody reads.
    const slow = Array.from({ length: 40 }, (_, i) =>
      open(
        i % 2 === 0
          ? `GET /api HTTP/1.1\r\nHost:`
          : `POST /api/v1/namespaces HTTP/1.1\r\n${auth}Content-Length: 100\r\n\r\n{`,
      ),
    )
    const answers = await Promise.all(bad.map(open))
    for (const answer of answers) assert.match(answer, /^$|^HTTP\/1\.1 4\d\d /)
    assert.equal((await send({ method: 'GET', path: '/readyz' })).text, 'ok')
    for (const answer of await Promise.all(slow)) assert.match(answer, /^$|^HTTP\/1\.1 4\d\d /)
    assert.deepEqual(failures.splice(0), [])
  })

  it('leave the store as the server says it is', async () => {
    const listed = new Map<string, KubeObject>()
    for (const path of ['/api/v1', '/apis/discovery.k8s.io/v1', '/apis/coordination.k8s.io/v1']) {
      const { resources } = JSON.parse((await send({ method: 'GET', path })).text) as {
        resources: { name: string; verbs: string[] }[]
      }
      for (const { name, verbs } of resources) {
        if (!verbs.includes('list')) continue
        const { items } = JSON.parse((await send({ method: 'GET', path: `${path}/${name}` })).text) as {
          items: KubeObject[]
        }
        for (const object of items) listed.set(object.metadata.uid ?? '', object)
      }
    }
    assert.ok(listed.size > 10)
    const last = await send({
      method: 'POST',
      path: '/api/v1/namespaces/fuzz/configmaps',
      body: json({ metadata: { name: 'last' } }),
    })
    assert.equal(last.code, 201, last.text)
    await server.close()
    const database = new DatabaseSync(join(folder, 'store.db'), { readOnly: true })
    const rows = database.prepare('SELECT revision, json FROM objects').all() as { revision: number; json: string }[]
    const counter = database.prepare("SELECT value FROM counter WHERE name = 'revision'").get() as { value: number }
    database.close()
    const stored = new Map(rows.map((row) => [(JSON.parse(row.json) as KubeObject).metadata.uid ?? '', row]))
    for (const [uid, object] of listed) {
      const row = stored.get(uid)
      assert.ok(row !== undefined, `${object.kind} ${object.metadata.name} is not on disk`)
      assert.equal(String(row.revision), object.metadata.resourceVersion)
      assert.ok(row.revision <= counter.value)
      const { kind: _kind, apiVersion: _version, ...rest } = JSON.parse(row.json) as KubeObject
      const { kind: _listedKind, apiVersion: _listedVersion, ...shown } = object
      assert.deepEqual(rest, shown)
    }
    assert.equal(Number((JSON.parse(last.text) as KubeObject).metadata.resourceVersion), counter.value)
  })
})
