/**
 * What client-go's reflectors rest on (tools/cache/reflector.go): a store that lists and watches with their options ends up
 * with the server's state, over chunked lists, broken watches, bookmarks, expired revisions and streamed lists.
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

const folder = mkdtempSync(join(tmpdir(), 'signalbox-reflector-'))
const TOKEN = 'reflector-token-012345'
const MAPS = '/api/v1/namespaces/default/configmaps'
let server: ApiServer
let agent: Agent

before(() => start())
after(async () => {
  await stop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(): Promise<void> {
  const tokensFile = join(folder, 'tokens.json')
  writeFileSync(tokensFile, JSON.stringify([{ token: TOKEN, user: 'admin', groups: ['system:masters'] }]), {
    mode: 0o600,
  })
  server = await runApiServer({
    stateDir: folder,
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['172.18.0.10'], port: 6443 },
    serviceCIDRs: ['10.96.0.0/16'],
    tokensFile,
    clock: systemClock,
    logger: silentLogger,
  })
  agent = new Agent({ keepAlive: true, ca: server.caCertificate })
}

async function stop(): Promise<void> {
  agent.destroy()
  await server.close()
}

function open(method: string, path: string, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': type }
    const outgoing = httpsRequest({ host: '127.0.0.1', port: server.port, agent, method, path, headers }, resolve)
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

type Body = KubeObject & {
  readonly items?: readonly KubeObject[]
  readonly code?: number
  readonly reason?: string
  readonly metadata: { readonly continue?: string; readonly remainingItemCount?: number }
}

async function call(
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly code: number; readonly body: Body }> {
  const response = await open(method, path, body)
  let text = ''
  for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
  return { code: response.statusCode ?? 0, body: JSON.parse(text) as Body }
}

type WatchEvent = { readonly type: string; readonly object: Body }

/** One watch as a reflector holds it. */
class Watch {
  readonly events: WatchEvent[] = []
  readonly #response: IncomingMessage
  #wake: () => void = () => undefined
  #ended = false

  constructor(response: IncomingMessage) {
    this.#response = response
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.events.push(JSON.parse(line) as WatchEvent)
      this.#wake()
    })
    response.on('error', () => undefined)
    response.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  async until(holds: (events: readonly WatchEvent[]) => boolean): Promise<void> {
    while (!holds(this.events) && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    assert.ok(holds(this.events), `the watch ended with ${JSON.stringify(this.events.at(-1))}`)
  }

  async ended(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  stop(): void {
    this.#response.destroy()
  }
}

async function watch(query: string, path = MAPS): Promise<Watch> {
  const response = await open('GET', `${path}?watch=true&${query}`)
  assert.equal(response.statusCode, 200)
  return new Watch(response)
}

async function create(name: string, labels: object = {}): Promise<string> {
  const { code, body } = await call('POST', MAPS, { metadata: { name, labels } })
  assert.equal(code, 201)
  return body.metadata.resourceVersion ?? ''
}

const briefly = (events: readonly WatchEvent[]): string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`)
const isEnd = ({ type, object }: WatchEvent): boolean =>
  type === 'BOOKMARK' && object.metadata.annotations?.['k8s.io/initial-events-end'] === 'true'

describe('a reflector', () => {
  it('lists at any cached revision, then watches from the list without a gap', async () => {
    await create('a-1')
    const list = await call('GET', `${MAPS}?resourceVersion=0&limit=500`)
    const revision = list.body.metadata.resourceVersion ?? ''
    await create('a-2')
    const events = await watch(`resourceVersion=${revision}&allowWatchBookmarks=true&timeoutSeconds=300`)
    await call('DELETE', `${MAPS}/a-1`)
    await events.until(({ length }) => length >= 2)
    assert.deepEqual(briefly(events.events), ['ADDED a-2', 'DELETED a-1'])
    const [added, deleted] = events.events
    assert.ok(Number(deleted?.object.metadata.resourceVersion) > Number(added?.object.metadata.resourceVersion))
    events.stop()
  })

  it('reads a chunked list as it was at its first page, whatever is written meanwhile', async () => {
    for (const name of ['b-1', 'b-2', 'b-3', 'b-4', 'b-5']) await create(name, { set: 'b' })
    const first = await call('GET', `${MAPS}?limit=2`)
    const all = first.body.items?.length === 2 ? [...(first.body.items ?? [])] : []
    const total = 2 + (first.body.metadata.remainingItemCount ?? 0)
    await call('DELETE', `${MAPS}/b-4`)
    await create('b-6', { set: 'b' })
    await call('PATCH', `${MAPS}/b-5`, { data: { changed: 'yes' } })
    for (let token = first.body.metadata.continue ?? ''; token !== '';) {
      const { code, body } = await call('GET', `${MAPS}?limit=2&continue=${token}`)
      assert.equal(code, 200)
      assert.equal(body.metadata.resourceVersion, first.body.metadata.resourceVersion)
      all.push(...(body.items ?? []))
      token = body.metadata.continue ?? ''
    }
    assert.equal(all.length, total)
    const names = all.map(({ metadata }) => metadata.name)
    assert.ok(names.includes('b-4') && !names.includes('b-6'))
    assert.equal(
      (all.find(({ metadata }) => metadata.name === 'b-5') as { data?: object } | undefined)?.data,
      undefined,
    )
  })

  it('resumes a broken watch from the last event it saw, each event once', async () => {
    const revision = await create('c-0')
    const seen: string[] = []
    let last = revision
    for (let round = 0; round < 5; round += 1) {
      const events = await watch(`resourceVersion=${last}`)
      await Promise.all([create(`c-${round}-1`), create(`c-${round}-2`)])
      await events.until(({ length }) => length >= 1)
      const [first] = events.events
      events.stop()
      await events.ended()
      seen.push(first?.object.metadata.name ?? '')
      last = first?.object.metadata.resourceVersion ?? ''
    }
    const rest = await watch(`resourceVersion=${last}`)
    await create('c-end')
    await rest.until((events) => events.some(({ object }) => object.metadata.name === 'c-end'))
    seen.push(...rest.events.map(({ object }) => object.metadata.name))
    rest.stop()
    assert.equal(seen.length, 11)
    assert.equal(new Set(seen).size, 11)
  })

  it('streams its list: state, a bookmark that ends it, then changes', async () => {
    const streamed = await watch(
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=300',
    )
    await streamed.until((events) => events.some(isEnd))
    const initial = streamed.events.findIndex(isEnd)
    const { body } = await call('GET', MAPS)
    assert.deepEqual(
      streamed.events.slice(0, initial).map(({ object }) => object.metadata.uid),
      body.items?.map(({ metadata }) => metadata.uid),
    )
    const bookmark = streamed.events[initial]?.object.metadata.resourceVersion
    await create('d-1')
    await streamed.until(({ length }) => length > initial + 1)
    assert.equal(streamed.events[initial + 1]?.type, 'ADDED')
    streamed.stop()
    const resumed = await watch(`resourceVersion=${bookmark}`)
    await resumed.until(({ length }) => length >= 1)
    assert.deepEqual(briefly(resumed.events), ['ADDED d-1'])
    resumed.stop()
  })

  it('is refused with 422 what it may not ask for, and falls back to a list', async () => {
    const refused = async (query: string): Promise<number> => (await call('GET', `${MAPS}?watch=true&${query}`)).code
    assert.equal(await refused('sendInitialEvents=true'), 422)
    assert.equal(await refused('sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=5'), 422)
    assert.equal(await refused('resourceVersionMatch=NotOlderThan&resourceVersion=5'), 422)
  })

  it('sees objects come into and leave its selectors', async () => {
    const selected = await watch('labelSelector=in%3Dview&resourceVersion=0')
    await create('e-1')
    await call('PATCH', `${MAPS}/e-1`, { metadata: { labels: { in: 'view' } } })
    await call('PATCH', `${MAPS}/e-1`, { data: { k: 'v' } })
    await call('PATCH', `${MAPS}/e-1`, { metadata: { labels: { in: null } } })
    await selected.until(({ length }) => length >= 3)
    assert.deepEqual(briefly(selected.events), ['ADDED e-1', 'MODIFIED e-1', 'DELETED e-1'])
    selected.stop()
  })

  it('reads its own writes with NotOlderThan, the past with Exact, and waits for no future that does not come', async () => {
    const revision = await create('f-1')
    await call('DELETE', `${MAPS}/f-1`)
    const names = async (query: string): Promise<string[] | undefined> =>
      (await call('GET', `${MAPS}?${query}`)).body.items?.map(({ metadata }) => metadata.name)
    assert.ok((await names(`resourceVersion=${revision}&resourceVersionMatch=Exact`))?.includes('f-1'))
    assert.ok(!(await names(`resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`))?.includes('f-1'))
    const future = await call('GET', `${MAPS}?resourceVersion=99999999`)
    assert.equal(future.code, 504)
    assert.equal(future.body.reason, 'Timeout')
    const streamed = await call(
      'GET',
      `${MAPS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=99999999`,
    )
    assert.equal(streamed.code, 504)
  })

  it('ends at its timeout with a bookmark shortly before, and starts again there', async () => {
    const events = await watch('resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=3')
    await create('g-1')
    await events.ended()
    const last = events.events.at(-1)
    assert.equal(last?.type, 'BOOKMARK')
    const again = await watch(`resourceVersion=${last?.object.metadata.resourceVersion}&timeoutSeconds=1`)
    await again.ended()
    assert.deepEqual(briefly(again.events), [])
  })

  it('is told 410 after a restart, in the stream, and lists again', async () => {
    const revision = await create('h-1')
    await create('h-2')
    await stop()
    await start()
    const events = await watch(`resourceVersion=${revision}`)
    await events.ended()
    assert.deepEqual(
      [events.events[0]?.type, events.events[0]?.object.code, events.events[0]?.object.reason],
      ['ERROR', 410, 'Expired'],
    )
    const exact = await call('GET', `${MAPS}?resourceVersion=${revision}&resourceVersionMatch=Exact`)
    assert.equal(exact.code, 410)
    const list = await call('GET', `${MAPS}?resourceVersion=0`)
    const resumed = await watch(`resourceVersion=${list.body.metadata.resourceVersion}`)
    await create('h-3')
    await resumed.until(({ length }) => length >= 1)
    assert.deepEqual(briefly(resumed.events), ['ADDED h-3'])
    resumed.stop()
  })
})
