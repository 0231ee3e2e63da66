import 'reflect-metadata'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509'
import type { KubeObject } from '#api'
import { CONFIGMAPS, NODES, PODS } from '#api'
import { hasCode, systemClock } from '#lib'
import { connectApi } from './connect-api.ts'
import { createFakeApi } from './fake/create-fake-api.ts'
import { serveFakeApi } from './testing/serve-fake-api.ts'

const clock = systemClock

function configMap(name: string, data: Readonly<Record<string, string>> = {}): KubeObject & { data: object } {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }
}

async function setUp(options: { chunkSize?: number; mute?: boolean; timeout?: number; answerLimit?: number } = {}) {
  const api = createFakeApi({ clock })
  const served = await serveFakeApi({ client: api.client, ...options })
  const stop = new AbortController()
  const client = connectApi(
    { server: `http://127.0.0.1:${served.port}`, namespace: 'default', authorization: () => 'Bearer secret' },
    { clock, signal: stop.signal, ...options },
  )
  return {
    api,
    served,
    client,
    stop: async () => {
      stop.abort()
      await served.close()
    },
  }
}

test('verbs, paths, queries and content types', async () => {
  const { served, client, stop } = await setUp()
  const created = await client.create(CONFIGMAPS, { ...configMap(''), metadata: { name: '', generateName: 'g-' } })
  assert.match(created.metadata.name, /^g-/)
  assert.equal(JSON.parse(served.lastBody).metadata.name, undefined, 'an empty name is not sent')
  assert.equal(served.lastHeaders.authorization, 'Bearer secret')
  const at = { namespace: 'default', name: created.metadata.name }
  assert.deepEqual(await client.get(CONFIGMAPS, at), created)
  const updated = await client.update(CONFIGMAPS, { ...configMap(at.name), data: { a: 'ü' } })
  assert.deepEqual(updated.data, { a: 'ü' })
  await client.patch(CONFIGMAPS, at, { type: 'apply', body: { data: { a: 'b' } }, force: true })
  assert.equal(served.lastHeaders['content-type'], 'application/apply-patch+yaml')
  assert.match(served.requests.at(-1) ?? '', /\?fieldManager=signalbox&force=true$/)
  const list = await client.list<KubeObject>(CONFIGMAPS, { namespace: 'default', labelSelector: '!a,b in (c)' })
  assert.match(served.requests.at(-1) ?? '', /labelSelector=!a%2Cb%20in%20\(c\)$/)
  assert.equal(list.kind, 'ConfigMapList')
  await client.delete(CONFIGMAPS, at, { gracePeriodSeconds: 0 })
  assert.deepEqual(JSON.parse(served.lastBody), { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 })
  await assert.rejects(client.get(CONFIGMAPS, at), (error) => hasCode(error, 'SBX_API_NOT_FOUND'))
  await assert.rejects(client.get(NODES, { name: 'x/../y' }), (error) => hasCode(error, 'SBX_API_NOT_FOUND'))
  assert.match(served.requests.at(-1) ?? '', /\/api\/v1\/nodes\/x%2F\.\.%2Fy$/)
  assert.equal((await client.raw('/nothing')).status, 404)
  await stop()
})

test('every failure has its code and the message of the Status', async () => {
  const { served, client, stop } = await setUp()
  const status = (code: number, reason: string): string =>
    JSON.stringify({ kind: 'Status', code, reason, message: `because ${reason}` })
  const table: readonly (readonly [number, string, string])[] = [
    [400, 'BadRequest', 'SBX_API_REJECTED'],
    [401, 'Unauthorized', 'SBX_API_UNAUTHORIZED'],
    [403, 'Forbidden', 'SBX_API_FORBIDDEN'],
    [404, 'NotFound', 'SBX_API_NOT_FOUND'],
    [409, 'Conflict', 'SBX_API_CONFLICT'],
    [409, 'AlreadyExists', 'SBX_API_ALREADY_EXISTS'],
    [410, 'Expired', 'SBX_API_EXPIRED'],
    [422, 'Invalid', 'SBX_API_INVALID'],
    [429, 'TooManyRequests', 'SBX_API_UNAVAILABLE'],
    [500, 'InternalError', 'SBX_API_UNAVAILABLE'],
    [503, 'ServiceUnavailable', 'SBX_API_UNAVAILABLE'],
  ]
  for (const [code, reason, expected] of table) {
    served.answerNext(code, status(code, reason))
    await assert.rejects(client.get(PODS, { name: 'p' }), { code: expected, message: `because ${reason}` })
  }
  served.answerNext(502, '<html>bad gateway</html>')
  await assert.rejects(client.get(PODS, { name: 'p' }), { code: 'SBX_API_UNAVAILABLE', message: /answered with 502$/ })
  served.answerNext(200, 'not json')
  await assert.rejects(client.get(PODS, { name: 'p' }), { code: 'SBX_API_REJECTED' })
  await stop()
  await assert.rejects(client.get(PODS, { name: 'p' }))
})

test('nobody there, nobody answering, and an answer that is too large', async () => {
  const refused = connectApi({ server: 'http://127.0.0.1:1', namespace: 'default' }, { clock })
  await assert.rejects(refused.raw('/readyz'), (error: Error & { facts?: object }) => {
    assert.deepEqual({ ...error.facts }, { method: 'GET', path: '/readyz', cause: 'ECONNREFUSED' })
    return hasCode(error, 'SBX_API_UNAVAILABLE')
  })
  const mute = await setUp({ mute: true, timeout: 30 })
  await assert.rejects(mute.client.raw('/readyz'), { code: 'SBX_API_UNAVAILABLE', message: /no answer in time/ })
  await mute.stop()
  const small = await setUp({ answerLimit: 100 })
  small.served.answerNext(200, 'x'.repeat(1000))
  await assert.rejects(small.client.raw('/readyz'), { code: 'SBX_API_REJECTED', message: /over 100 bytes/ })
  await small.stop()
})

test('watch events survive any chunking; abort and leaving the loop end the request', async () => {
  const { api, served, client, stop } = await setUp({ chunkSize: 3 })
  await api.client.create(CONFIGMAPS, configMap('a', { text: 'zwölf Boxkämpfer 🥊' }))
  const stopWatch = new AbortController()
  const seen: unknown[] = []
  for await (const event of client.watch<ReturnType<typeof configMap>>(
    CONFIGMAPS,
    { resourceVersion: '1' },
    stopWatch.signal,
  )) {
    seen.push([event.type, event.object.data])
    stopWatch.abort()
  }
  assert.deepEqual(seen, [['ADDED', { text: 'zwölf Boxkämpfer 🥊' }]])
  for await (const event of client.watch(CONFIGMAPS, { resourceVersion: '1' }, new AbortController().signal)) {
    assert.equal(event.type, 'ADDED')
    break
  }
  while (served.openWatches > 0) await clock.sleep(1)
  await stop()
})

test('a watch that breaks says how', async () => {
  const { api, served, client, stop } = await setUp()
  const watch = async (bytes: string, then: () => void = () => undefined): Promise<unknown> => {
    while (served.openWatches > 0) await clock.sleep(1)
    const events = client.watch(CONFIGMAPS, {}, new AbortController().signal)[Symbol.asyncIterator]()
    const next = events.next()
    next.catch(() => undefined)
    while (served.openWatches === 0) await clock.sleep(1)
    await served.inject(bytes)
    then()
    return next
  }
  await assert.rejects(watch('garbage\n'), { code: 'SBX_API_REJECTED', message: /not JSON/ })
  await assert.rejects(watch('{"type":"ADDED"}\n'), { code: 'SBX_API_REJECTED' })
  await assert.rejects(
    watch('{"type":"AD', () => served.endWatches()),
    { code: 'SBX_API_UNAVAILABLE', message: /inside an event/ },
  )
  await assert.rejects(
    watch('{"type":"AD', () => served.reset()),
    { code: 'SBX_API_UNAVAILABLE' },
  )
  await api.client.create(CONFIGMAPS, configMap('later'))
  api.compact()
  const old = client.watch(CONFIGMAPS, { resourceVersion: '1' }, new AbortController().signal)[Symbol.asyncIterator]()
  await assert.rejects(old.next(), { code: 'SBX_API_EXPIRED', message: /too old resource version: 1/ })
  served.answerNext(403, JSON.stringify({ kind: 'Status', code: 403, message: 'no' }))
  const denied = client.watch(CONFIGMAPS, {}, new AbortController().signal)[Symbol.asyncIterator]()
  await assert.rejects(denied.next(), { code: 'SBX_API_FORBIDDEN', message: 'no' })
  await stop()
})

test('TLS: the CA decides, the name is checked, also through a unix socket and a dialled stream', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=api.example',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'api.example' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  const cert = certificate.toString('pem')
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  const api = createFakeApi({ clock })
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-watch-'))
  const socketPath = join(folder, 'api.sock')
  const served = await serveFakeApi({ client: api.client, tls: { key, cert } })
  const onSocket = await serveFakeApi({ client: api.client, tls: { key, cert }, socketPath })
  const server = `https://127.0.0.1:${served.port}`
  const base = { namespace: 'default' }

  const list = (connection: object, options: object = {}): Promise<unknown> =>
    connectApi({ ...base, server, ...connection }, { clock, ...options }).list(CONFIGMAPS)
  await list({ ca: cert })
  await list({ insecureSkipTlsVerify: true })
  await list({ ca: cert, tlsServerName: 'api.example' })
  await assert.rejects(list({}), { code: 'SBX_API_UNAVAILABLE' })
  await assert.rejects(list({ ca: cert, tlsServerName: 'evil.example' }), { code: 'SBX_API_UNAVAILABLE' })
  const remote = { ca: cert, server: 'https://api.example:6443' }
  await list(remote, { socketPath })
  await list(remote, { dial: () => connect(served.port, '127.0.0.1') })
  await list(remote, { dial: async () => connect(socketPath) })
  await assert.rejects(list({ ca: cert, server: 'https://other.example' }, { socketPath }), {
    code: 'SBX_API_UNAVAILABLE',
  })
  await assert.rejects(list(remote, { dial: () => Promise.reject(new Error('relay is gone')) }), {
    code: 'SBX_API_UNAVAILABLE',
    message: /relay is gone/,
  })
  await served.close()
  await onSocket.close()
  rmSync(folder, { recursive: true })
})
