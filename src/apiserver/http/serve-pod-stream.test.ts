/** exec, attach and port-forward up to the node's daemon: what is refused, what the daemon is told, and that bytes pass. */
import assert from 'node:assert/strict'
import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { connect } from 'node:tls'

import { NODES } from '#api'
import type { HttpFixture } from '../testing/index.ts'
import { ADMIN_TOKEN, httpFixture, PROXY_TOKEN, sampleKind, sampleKinds } from '../testing/index.ts'

let f: HttpFixture
let daemon: Server
const asked: IncomingMessage[] = []

before(async () => {
  f = await httpFixture({ kinds: [...sampleKinds(), sampleKind(NODES, { hasStatus: false })] })
  daemon = createServer((_request, response) => response.writeHead(404).end('container not found ("main")\n'))
  daemon.on('upgrade', (request, socket) => {
    asked.push(request)
    if (request.url?.includes('refused') === true) {
      socket.end('HTTP/1.1 404 Refused\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot here\n')
      return
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello ')
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve))
  const { port } = daemon.address() as AddressInfo
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  }
  const post = async (path: string, body: object): Promise<void> =>
    assert.equal((await f.call(path, { method: 'POST', body })).code, 201)
  await post('/api/v1/nodes', { metadata: { name: 'node-1' }, status })
  for (const name of ['web', 'refused']) {
    const spec = { nodeName: 'node-1', containers: [{ name: 'main', image: 'x' }] }
    await post('/api/v1/namespaces/default/pods', { metadata: { name }, spec })
  }
  const two = [{ name: 'a' }, { name: 'b' }]
  await post('/api/v1/namespaces/default/pods', {
    metadata: { name: 'two' },
    spec: { nodeName: 'node-1', containers: two },
  })
  await post('/api/v1/namespaces/default/pods', {
    metadata: { name: 'homeless' },
    spec: { containers: [{ name: 'main' }] },
  })
})
after(async () => {
  await f.close()
  daemon.close()
  daemon.closeAllConnections()
})

/** The whole answer once it matches, or when the server has closed. */
function upgrade(path: string, options: { token?: string; until?: RegExp; send?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: f.server.port, ca: f.server.caCertificate })
    let text = ''
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (options.until?.test(text) === true) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    const lines = [
      `GET /api/v1/namespaces/default/pods/${path} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${options.token ?? ADMIN_TOKEN}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: v5.channel.k8s.io',
      'X-Other: not for the daemon',
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n${options.send ?? ''}`)
  })
}

describe('pod streams', () => {
  it('join the client with the daemon of the node, which gets the options in its own words', async () => {
    const text = await upgrade('web/exec?command=a&command=b%20c&stdin=true&stdout=true&stderr=false&tty=true', {
      send: 'bytes',
      until: /hello bytes/,
    })
    assert.match(text, /^HTTP\/1\.1 101 /)
    const request = asked.at(-1)
    assert.equal(request?.url, '/exec/default/web/main?input=1&output=1&tty=1&command=a&command=b+c')
    assert.equal(request?.headers.authorization, 'Bearer node-token-0123456789')
    assert.equal(request?.headers['sec-websocket-protocol'], 'v5.channel.k8s.io')
    assert.equal(request?.headers['x-other'], undefined)
    await upgrade('web/attach?stdout=true', { until: /hello/ })
    assert.equal(asked.at(-1)?.url, '/attach/default/web/main?output=1')
    await upgrade('web/portforward?ports=80', { until: /hello/ })
    assert.equal(asked.at(-1)?.url, '/portForward/default/web?port=80')
  })

  it('are refused as a Status before the daemon is asked', async () => {
    const before = asked.length
    const cases: readonly [string, RegExp, string?][] = [
      ['nobody/exec?command=a&stdout=true', /404 [\s\S]*pods \\"nobody\\" not found/],
      ['web/exec?stdout=true', /400 [\s\S]*you must specify a command for the container/],
      ['web/exec?command=a', /400 [\s\S]*you must specify at least 1 of stdin, stdout, stderr/],
      ['web/exec?command=a&stdout=true&container=z', /400 [\s\S]*container z is not valid for pod web/],
      ['two/exec?command=a&stdout=true', /400 [\s\S]*choose one of: \[a b\]/],
      ['homeless/attach?stdout=true', /400 [\s\S]*does not have a host assigned/],
      ['web/portforward?ports=0', /400 [\s\S]*unable to parse port/],
      ['web/exec?command=a&stdout=true', /401 [\s\S]*Unauthorized/, 'wrong-token'],
      ['web/exec?command=a&stdout=true', /403 [\s\S]*cannot get resource \\"pods\/exec\\"/, PROXY_TOKEN],
    ]
    for (const [path, expected, token] of cases) {
      const text = await upgrade(path, token === undefined ? {} : { token })
      assert.match(text, expected, path)
      assert.match(text, /"kind":"Status"/)
    }
    assert.equal(asked.length, before)
  })

  it("carry the daemon's refusal as a Status", async () => {
    const text = await upgrade('refused/exec?command=a&stdout=true')
    assert.match(text, /^HTTP\/1\.1 404 [\s\S]*"message":"not here"/)
  })

  it('need an upgrade; anywhere else an offered one is passed over', async () => {
    const plain = await f.call('/api/v1/namespaces/default/pods/web/exec?command=a&stdout=true', { method: 'POST' })
    assert.equal(plain.code, 400)
    assert.equal(plain.json['message'], 'Upgrade request required')
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket' }
    assert.equal((await f.call('/api/v1/namespaces/default/pods/web', { headers })).code, 200)
  })
})
