/**
 * What kube-proxy 1.36 and CoreDNS 1.13 ask when they start (api-server.md 7.4), with their parameters, headers and rights:
 * lists as streams, protobuf preferred, selectors that leave objects out, an Event in protobuf.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'

import type { KubeObject } from '#api'
import type { ApiServer } from '#apiserver'
import { runApiServer } from '#apiserver'
import { silentLogger, systemClock } from '#lib'
import { encodeEnvelope } from '../src/apiserver/codec/encode-protobuf.shared.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-consumers-'))
const USERS = {
  admin: { token: 'admin-token-0123456789', groups: ['system:masters'], user: 'admin' },
  proxy: { token: 'proxy-token-0123456789', groups: [], user: 'system:kube-proxy' },
  dns: {
    token: 'coredns-token-0123456789',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system'],
    user: 'system:serviceaccount:kube-system:coredns',
  },
} as const
type Who = keyof typeof USERS
/** The rights that installers give CoreDNS, as objects of their own. */
const COREDNS = [
  {
    kind: 'ClusterRole',
    metadata: { name: 'system:coredns' },
    rules: [
      { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
      { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    ],
  },
  {
    kind: 'ClusterRoleBinding',
    metadata: { name: 'system:coredns' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' },
    subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace: 'kube-system' }],
  },
]
const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const ACCEPT = `${PROTOBUF},application/json`
const WATCH_LIST =
  'allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeout=7m31s&timeoutSeconds=451&watch=true'
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'
let server: ApiServer
let agent: Agent

before(async () => {
  const tokensFile = join(folder, 'tokens.json')
  writeFileSync(tokensFile, JSON.stringify(Object.values(USERS)), { mode: 0o600 })
  server = await runApiServer({
    stateDir: folder,
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['172.18.0.10'], port: 6443 },
    serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    tokensFile,
    clock: systemClock,
    logger: silentLogger,
  })
  agent = new Agent({ keepAlive: true, ca: server.caCertificate })
  const service = (name: string, rest: object = {}, labels: object = {}): object => ({
    metadata: { name, labels },
    spec: { ports: [{ port: 80 }], ...rest },
  })
  const inDefault = '/api/v1/namespaces/default'
  const slice = (name: string, labels: object): object => ({
    metadata: { name, labels: { 'kubernetes.io/service-name': 'web', ...labels } },
    addressType: 'IPv4',
    endpoints: [],
    ports: [],
  })
  for (const name of ['node-1', 'node-2']) await create('/api/v1/nodes', { metadata: { name } })
  await create(`${inDefault}/services`, service('web'))
  await create(`${inDefault}/services`, service('headless', { clusterIP: 'None' }))
  await create(`${inDefault}/services`, service('other', {}, { 'service.kubernetes.io/service-proxy-name': 'mesh' }))
  await create(SLICES.replace('v1/', 'v1/namespaces/default/'), slice('plain', {}))
  await create(SLICES.replace('v1/', 'v1/namespaces/default/'), slice('none', { 'service.kubernetes.io/headless': '' }))
  for (const one of COREDNS) await create(`/apis/rbac.authorization.k8s.io/v1/${one.kind.toLowerCase()}s`, one)
})
after(async () => {
  agent.destroy()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

type Asked = { readonly path: string; readonly method?: string; readonly type?: string; readonly body?: Uint8Array }

function ask(who: Who, { path, method = 'GET', type, body }: Asked): Promise<IncomingMessage> {
  const headers = {
    Accept: ACCEPT,
    'User-Agent': 'kube-proxy/v1.36.0 (linux/amd64) kubernetes/abcdef0',
    Authorization: `Bearer ${USERS[who].token}`,
    ...(type === undefined ? {} : { 'Content-Type': type, 'Content-Length': String(body?.byteLength ?? 0) }),
  }
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({ host: '127.0.0.1', port: server.port, agent, method, path, headers }, resolve)
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  return text
}

async function create(path: string, object: object): Promise<KubeObject> {
  const body = Buffer.from(JSON.stringify(object))
  const response = await ask('admin', { path, method: 'POST', type: 'application/json', body })
  const text = await textOf(response)
  assert.equal(response.statusCode, 201, text)
  return JSON.parse(text) as KubeObject
}

type WatchEvent = { readonly type: string; readonly object: KubeObject }

/** Reads a streamed list up to its end; then `change` is made, and the event after it is read as well. */
async function follow(
  who: Who,
  path: string,
  change?: () => Promise<unknown>,
): Promise<{ readonly names: readonly string[]; readonly end: KubeObject; readonly next: WatchEvent | undefined }> {
  const response = await ask(who, { path })
  assert.equal(response.statusCode, 200, path)
  // client-go picks its decoder by this header alone.
  assert.match(response.headers['content-type'] ?? '', /^application\/json/)
  const initial: WatchEvent[] = []
  let end: KubeObject | undefined
  let rest = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = JSON.parse(line) as WatchEvent
      if (end !== undefined) {
        response.destroy()
        return { names: initial.map(({ object }) => object.metadata.name), end, next: event }
      }
      if (event.type !== 'BOOKMARK') initial.push(event)
      else if (event.object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true') {
        end = event.object
        if (change === undefined) {
          response.destroy()
          return { names: initial.map(({ object }) => object.metadata.name), end, next: undefined }
        }
        await change()
      }
    }
  }
  throw new Error(`${path} ended before its list did`)
}

const query = (selectors: Readonly<Record<string, string>>): string =>
  new URLSearchParams(selectors).toString() + (Object.keys(selectors).length === 0 ? '' : '&') + WATCH_LIST

describe('kube-proxy 1.36', () => {
  it('7.4 streams its own node alone, and is told when it changes', async () => {
    const path = `/api/v1/nodes?${query({ fieldSelector: 'metadata.name=node-1' })}`
    const { names, end, next } = await follow('proxy', path, async () => {
      for (const name of ['node-2', 'node-1']) {
        const body = Buffer.from('{"metadata":{"labels":{"a":"b"}}}')
        const type = 'application/merge-patch+json'
        const patched = await ask('admin', { path: `/api/v1/nodes/${name}`, method: 'PATCH', type, body })
        await textOf(patched)
      }
    })
    assert.deepEqual(names, ['node-1'])
    assert.deepEqual([end.kind, end.apiVersion], ['Node', 'v1'])
    assert.match(end.metadata.resourceVersion ?? '', /^[1-9]\d*$/)
    assert.deepEqual([next?.type, next?.object.metadata.name], ['MODIFIED', 'node-1'])
  })

  it('7.4 streams services that have an address and no other proxy, slices that are not headless, and ranges', async () => {
    const services = await follow(
      'proxy',
      `/api/v1/services?${query({
        fieldSelector: 'spec.clusterIP!=None',
        labelSelector: '!service.kubernetes.io/service-proxy-name',
      })}`,
      () =>
        create('/api/v1/namespaces/default/services', { metadata: { name: 'new' }, spec: { ports: [{ port: 1 }] } }),
    )
    assert.deepEqual(services.names, ['kubernetes', 'web'])
    assert.deepEqual([services.next?.type, services.next?.object.metadata.name], ['ADDED', 'new'])
    const both = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name'
    for (const labelSelector of ['!service.kubernetes.io/headless', both]) {
      const { names, end } = await follow('proxy', `${SLICES}?${query({ labelSelector })}`)
      assert.deepEqual(names, ['kubernetes', 'plain'])
      assert.equal(end.kind, 'EndpointSlice')
    }
    const ranges = await follow('proxy', `/apis/networking.k8s.io/v1/servicecidrs?${query({})}`)
    assert.deepEqual(ranges.names, ['kubernetes'])
  })

  it('7.4 reports its start in protobuf, and may read nothing that is not its own business', async () => {
    const path = '/apis/events.k8s.io/v1/namespaces/default/events'
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'node-1.1857e2', namespace: 'default' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      action: 'StartKubeProxy',
      reason: 'Starting',
      type: 'Normal',
      note: '',
      regarding: { kind: 'Node', name: 'node-1', uid: 'node-1' },
      reportingController: 'kube-proxy',
      reportingInstance: 'kube-proxy-node-1',
    }
    const body = encodeEnvelope(event, 'k8s.io.api.events.v1.Event')
    const response = await ask('proxy', { path, method: 'POST', type: PROTOBUF, body })
    const text = await textOf(response)
    assert.equal(response.statusCode, 201, text)
    const { regarding, reason, apiVersion } = JSON.parse(text) as typeof event
    assert.deepEqual([apiVersion, reason, regarding.name], ['events.k8s.io/v1', 'Starting', 'node-1'])
    for (const forbidden of ['/api/v1/secrets', '/api/v1/pods', `/api/v1/configmaps?${query({})}`]) {
      const refused = await ask('proxy', { path: forbidden })
      assert.equal(refused.statusCode, 403, forbidden)
      assert.match(await textOf(refused), /"reason":"Forbidden"/)
    }
  })
})

describe('CoreDNS 1.13', () => {
  it('7.4 lists and then watches services, slices and namespaces with the rights its installer gave it', async () => {
    for (const [path, kind] of [
      ['/api/v1/services', 'ServiceList'],
      [SLICES, 'EndpointSliceList'],
      ['/api/v1/namespaces', 'NamespaceList'],
    ] as const) {
      const response = await ask('dns', { path: `${path}?limit=500&resourceVersion=0` })
      const list = JSON.parse(await textOf(response)) as KubeObject & { readonly items: readonly KubeObject[] }
      assert.equal(list.kind, kind)
      assert.ok(list.items.length > 0)
      const watch = await ask('dns', {
        path: `${path}?allowWatchBookmarks=true&resourceVersion=${list.metadata.resourceVersion}&timeoutSeconds=1&watch=true`,
      })
      assert.equal(watch.statusCode, 200)
      assert.doesNotMatch(await textOf(watch), /"ADDED"|"ERROR"/)
    }
    const refused = await ask('dns', { path: '/api/v1/nodes' })
    assert.equal(refused.statusCode, 403)
    await textOf(refused)
  })
})
