/** The HTTP contract on a real TLS socket (api-server.md 2, 7, 8, 17, 19). */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'

import { NODES } from '#api'
import type { HttpFixture } from '../testing/index.ts'
import { httpFixture, PROXY_TOKEN, sampleKind, sampleKinds } from '../testing/index.ts'

let f: HttpFixture
before(async () => {
  f = await httpFixture({ kinds: [...sampleKinds(), sampleKind(NODES, { hasStatus: false })] })
})
after(() => f.close())

const MAPS = '/api/v1/namespaces/default/configmaps'

describe('who may ask', () => {
  it('answers 401 to a bad token, 403 to nobody, and health and version to anybody', async () => {
    const bad = await f.call('/api/v1/pods', { token: 'wrong' })
    assert.equal(bad.code, 401)
    assert.deepEqual(
      [bad.json['kind'], bad.json['reason'], bad.json['message']],
      ['Status', 'Unauthorized', 'Unauthorized'],
    )
    const nobody = await f.call('/api/v1/namespaces/default/pods/x', { token: '' })
    assert.equal(nobody.code, 403)
    assert.equal(
      nobody.json['message'],
      'pods "x" is forbidden: User "system:anonymous" cannot get resource "pods" in API group "" in the namespace "default"',
    )
    for (const path of ['/healthz', '/livez', '/readyz', '/version']) {
      assert.equal((await f.call(path, { token: '' })).code, 200, path)
    }
    assert.equal((await f.call('/api', { token: '' })).code, 403)
  })

  it('knows client certificates by CN and O', async () => {
    const admin = await f.server.issueClientCertificate({ name: 'ops', groups: ['system:masters'] })
    assert.equal((await f.call('/api/v1/pods', { token: '', client: admin })).code, 200)
    const plain = await f.server.issueClientCertificate({ name: 'bob', groups: ['dev'] })
    const refused = await f.call('/api/v1/pods', { token: '', client: plain })
    assert.match(
      String(refused.json['message']),
      /^pods is forbidden: User "bob" cannot list resource "pods" .* at the cluster scope$/,
    )
  })

  it('gives roles what they need and not more', async () => {
    assert.equal((await f.call('/api/v1/services', { token: PROXY_TOKEN })).code, 200)
    assert.equal((await f.call('/api/v1/configmaps', { token: PROXY_TOKEN })).code, 403)
    assert.equal((await f.call(`${MAPS}/x`, { token: PROXY_TOKEN, method: 'DELETE' })).code, 403)
  })
})

describe('forms of answers', () => {
  it('serves JSON wherever it appears in Accept, as Table, metadata, YAML and pretty on request, else 406', async () => {
    await f.call(MAPS, { method: 'POST', body: { metadata: { name: 'form' }, data: { a: 'b' } } })
    const get = (accept: string, query = ''): ReturnType<HttpFixture['call']> =>
      f.call(`${MAPS}/form${query}`, { headers: { Accept: accept } })
    for (const accept of [
      'application/vnd.kubernetes.protobuf,application/json',
      'application/vnd.kubernetes.protobuf, */*',
      '*/*',
    ]) {
      const plain = await get(accept)
      assert.equal(plain.headers['content-type'], 'application/json')
      assert.equal(plain.json['kind'], 'ConfigMap')
    }
    const table = await get('application/json;as=Table;v=v1;g=meta.k8s.io,application/json')
    assert.equal(table.json['kind'], 'Table')
    const partial = await get('application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io')
    assert.equal(partial.json['kind'], 'PartialObjectMetadata')
    assert.equal(partial.json['data'], undefined)
    assert.match((await get('application/yaml')).text, /^kind: ConfigMap\n/)
    assert.match((await get('*/*', '?pretty=true')).text, /^\{\n {2}"kind": "ConfigMap"/)
    const none = await get('application/vnd.kubernetes.protobuf')
    assert.deepEqual([none.code, none.json['reason']], [406, 'NotAcceptable'])
  })

  it('lists without kind and apiVersion on items, with its own on the list', async () => {
    const { json } = await f.call(MAPS)
    assert.equal(json['kind'], 'ConfigMapList')
    const items = json['items'] as unknown as Record<string, unknown>[]
    assert.deepEqual(Object.keys(items[0] ?? {}).slice(0, 1), ['metadata'])
    assert.equal(items[0]?.['kind'], undefined)
  })

  it('tells unknown paths outside and inside a group version apart', async () => {
    const outside = await f.call('/nothing/here')
    assert.deepEqual([outside.code, outside.text], [404, '404 page not found\n'])
    const inside = await f.call('/api/v1/namespaces/default/widgets')
    assert.equal(inside.json['message'], 'the server could not find the requested resource')
    assert.equal((await f.call('/apis/example.com/v1/widgets')).text, '404 page not found\n')
  })
})

describe('writing', () => {
  it('creates with 201, updates, patches by media type, deletes', async () => {
    const made = await f.call(MAPS, { method: 'POST', body: { metadata: { name: 'w' }, data: { a: '1' } } })
    assert.equal(made.code, 201)
    const put = await f.call(`${MAPS}/w`, { method: 'PUT', body: { metadata: { name: 'w' }, data: { a: '2' } } })
    assert.equal(put.code, 200)
    const patches: [string, unknown][] = [
      ['application/merge-patch+json', { data: { b: '1' } }],
      ['application/json-patch+json', [{ op: 'add', path: '/data/c', value: '1' }]],
      ['application/strategic-merge-patch+json', { data: { a: null } }],
    ]
    for (const [type, body] of patches) {
      const patched = await f.call(`${MAPS}/w`, { method: 'PATCH', body, headers: { 'Content-Type': type } })
      assert.equal(patched.code, 200, patched.text)
    }
    assert.deepEqual((await f.call(`${MAPS}/w`)).json['data'], { b: '1', c: '1' })
    const text = await f.call(`${MAPS}/w`, { method: 'PATCH', body: {}, headers: { 'Content-Type': 'text/plain' } })
    assert.deepEqual([text.code, text.json['message']], [415, '415: Unsupported Media Type'])
    const gone = await f.call(`${MAPS}/w`, { method: 'DELETE' })
    assert.deepEqual([gone.code, gone.json['kind'], gone.json['status']], [200, 'Status', 'Success'])
    assert.equal((await f.call(`${MAPS}/w`)).code, 404)
  })

  it('deletes collections by selector and lists what it deleted', async () => {
    for (const name of ['d1', 'd2']) {
      await f.call(MAPS, { method: 'POST', body: { metadata: { name, labels: { d: 'yes' } } } })
    }
    const deleted = await f.call(`${MAPS}?labelSelector=d%3Dyes`, { method: 'DELETE' })
    assert.equal((deleted.json['items'] as unknown as unknown[]).length, 2)
    assert.deepEqual((await f.call(`${MAPS}?labelSelector=d%3Dyes`)).json['items'], [])
  })

  it('refuses bodies over 3 MiB, wrong methods and bad options', async () => {
    const large = await f.call(MAPS, { method: 'POST', body: 'x'.repeat(3_145_729) })
    assert.deepEqual([large.code, large.json['message']], [413, 'Request entity too large: limit is 3145728'])
    assert.equal((await f.call('/api/v1/configmaps', { method: 'POST', body: {} })).code, 405)
    assert.equal((await f.call(`${MAPS}?limit=abc`)).code, 400)
    const dry = await f.call(`${MAPS}?dryRun=Some`, { method: 'POST', body: { metadata: { name: 'x' } } })
    assert.equal(
      dry.json['message'],
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": supported values: "All"',
    )
    const headers = { 'Content-Type': 'application/merge-patch+json' }
    const force = await f.call(`${MAPS}/x?force=true`, { method: 'PATCH', body: {}, headers })
    assert.equal(
      force.json['message'],
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    )
  })

  it('never shows a stack trace or an internal text', async () => {
    const broken = await f.call(`${MAPS}/x`, { method: 'PUT', body: { metadata: 7 } })
    assert.ok(broken.code >= 400)
    assert.doesNotMatch(broken.text, /\bat .*\.ts|TypeError|node:/)
    const path = await f.call('/api/v1/namespaces/%ff/pods')
    assert.equal(path.code, 400)
  })
})

describe('watching', () => {
  it('flushes its headers before the first event, then sends one line an event', async () => {
    const { json } = await f.call(MAPS)
    const since = (json['metadata'] as unknown as { resourceVersion: string }).resourceVersion
    const watch = await f.watch(`${MAPS}?watch=1&resourceVersion=${since}`)
    assert.equal(watch.code, 200)
    assert.equal(watch.events.length, 0)
    await f.call(MAPS, { method: 'POST', body: { metadata: { name: 'seen' } } })
    await f.call(`${MAPS}/seen`, { method: 'DELETE' })
    await watch.until(2)
    assert.deepEqual(
      watch.events.map((event) => [event['type'], (event['object'] as unknown as { kind: string }).kind]),
      [
        ['ADDED', 'ConfigMap'],
        ['DELETED', 'ConfigMap'],
      ],
    )
    watch.stop()
  })

  it('sends tables with columns in the first event only, bookmarks included', async () => {
    await f.call(MAPS, { method: 'POST', body: { metadata: { name: 't1' } } })
    const options = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const accept = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
    const watch = await f.watch(`${MAPS}?${options}&fieldSelector=metadata.name%3Dt1`, accept)
    await watch.until(2)
    const tables = watch.events.map((event) => event['object'] as unknown as { columnDefinitions: unknown[] | null })
    assert.equal(tables[0]?.columnDefinitions?.length, 1)
    assert.equal(tables[1]?.columnDefinitions, null)
    assert.equal(watch.events[1]?.['type'], 'BOOKMARK')
    watch.stop()
  })

  it('cuts off a reader that does not keep up', async () => {
    const watch = await f.watch(`${MAPS}?watch=1&labelSelector=big%3Dyes`)
    watch.pause()
    const data = { text: 'x'.repeat(1_000_000) }
    const metadata = { generateName: 'big-', labels: { big: 'yes' } }
    for (let i = 0; i < 24; i += 1) await f.call(MAPS, { method: 'POST', body: { metadata, data } })
    watch.resume()
    await watch.until(24)
    assert.ok(watch.events.length < 24, `${watch.events.length} events reached a reader that slept`)
    await f.call(`${MAPS}?labelSelector=big%3Dyes`, { method: 'DELETE' })
  })

  it('ends by itself at timeoutSeconds, and with ERROR below the window', async () => {
    const timed = await f.watch(`${MAPS}?watch=1&timeoutSeconds=1&resourceVersion=999999`)
    await timed.ended
    assert.deepEqual(timed.events, [])
    const old = await f.watch(`${MAPS}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dnone`)
    old.stop()
    assert.equal((await f.call(`${MAPS}?watch=1&resourceVersion=abc`)).code, 500)
  })
})

describe('pod logs', () => {
  it('are streamed from the node’s daemon with its token and the caller’s options', async () => {
    const seen: string[] = []
    const daemon = createServer((request, response) => {
      seen.push(`${request.headers.authorization} ${request.url}`)
      response.end('line 1\nline 2\n')
    })
    await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve))
    const { port: Port } = daemon.address() as AddressInfo
    const status = {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port } },
    }
    await f.call('/api/v1/nodes', { method: 'POST', body: { metadata: { name: 'n1' }, status } })
    const pods = '/api/v1/namespaces/default/pods'
    const spec = { nodeName: 'n1', containers: [{ name: 'main' }] }
    await f.call(pods, { method: 'POST', body: { metadata: { name: 'p' }, spec } })
    const log = await f.call(`${pods}/p/log?tailLines=5&evil=1`)
    assert.deepEqual([log.code, log.headers['content-type'], log.text], [200, 'text/plain', 'line 1\nline 2\n'])
    assert.deepEqual(seen, ['Bearer node-token-0123456789 /containerLogs/default/p/main?tailLines=5'])
    assert.equal((await f.call(`${pods}/p/log?container=no`)).json['message'], 'container no is not valid for pod p')
    await new Promise((resolve) => daemon.close(resolve))
    assert.equal((await f.call(`${pods}/p/log`)).code, 500)
  })
})

describe('the listener', () => {
  it('refuses TLS below 1.2', async () => {
    const options = {
      host: '127.0.0.1',
      port: f.server.port,
      maxVersion: 'TLSv1.1' as const,
      minVersion: 'TLSv1' as const,
    }
    const socket = connect({ ...options, rejectUnauthorized: false })
    const outcome = await new Promise((resolve) => {
      socket.on('secureConnect', () => resolve('connected'))
      socket.on('error', () => resolve('refused'))
    })
    assert.equal(outcome, 'refused')
    socket.destroy()
  })

  it('ends open watches when it closes, and a restart serves what was stored with watches below its start expired', async () => {
    const other = await httpFixture()
    await other.call(MAPS, { method: 'POST', body: { metadata: { name: 'kept' } } })
    const watch = await other.watch(`${MAPS}?watch=1`)
    await watch.until(1)
    await other.close({ keepState: true })
    await watch.ended
    assert.equal(watch.events.length, 1)
    const again = await httpFixture({ stateDir: other.stateDir })
    const kept = await again.call(`${MAPS}/kept`)
    assert.equal(kept.code, 200)
    const resumed = await again.watch(`${MAPS}?watch=1&resourceVersion=2`)
    await resumed.ended
    assert.deepEqual(
      resumed.events.map((event) => event['type']),
      ['ERROR'],
    )
    assert.match(JSON.stringify(resumed.events), /"code":410/)
    const made = await again.call(MAPS, { method: 'POST', body: { metadata: { name: 'next' } } })
    const revisionOf = (reply: typeof kept): number =>
      Number((reply.json['metadata'] as unknown as { resourceVersion: string }).resourceVersion)
    assert.ok(revisionOf(made) > revisionOf(kept))
    await again.close()
  })
})
