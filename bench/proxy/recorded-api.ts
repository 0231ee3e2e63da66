/**
 * As much of an API server as a proxy asks of one: Services, EndpointSlices and one Node, listed in pages and watched from
 * a recorded history. Objects are serialized once, so that what is measured is the proxy. Validates nothing.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type RecordedObject = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly namespace?: string; readonly name: string }
}

export interface RecordedApi {
  readonly url: string
  /** Creates or replaces, and tells the watches. */
  put(object: RecordedObject): void
  remove(object: RecordedObject): void
  /** Cuts every connection, in the middle of whatever was being sent. */
  disconnect(): void
  /** Ends every watch as a server does at its timeout. */
  endWatches(): void
  /** Forgets the history: whoever asks for changes since before now is answered 410 Gone. */
  compact(): void
  /** Cuts every connection and refuses new ones until `start`; the objects stay. */
  stop(): Promise<void>
  start(): Promise<void>
}

const PATHS: Readonly<Record<string, string>> = {
  '/api/v1/services': 'Service',
  '/apis/discovery.k8s.io/v1/endpointslices': 'EndpointSlice',
  '/api/v1/nodes': 'Node',
}

type Entry = { readonly version: number; readonly kind: string; readonly line: string }

type State = {
  /** Kind, then key, then JSON. */
  readonly objects: ReadonlyMap<string, Map<string, string>>
  readonly history: Entry[]
  readonly watches: Map<ServerResponse, string>
  version: number
  /** The oldest version that changes can be told since. */
  oldest: number
}

export async function startRecordedApi(
  objects: readonly RecordedObject[],
  options: { readonly fails?: (request: IncomingMessage) => boolean } = {},
): Promise<RecordedApi> {
  const state: State = {
    objects: new Map(Object.values(PATHS).map((kind) => [kind, new Map()])),
    history: [],
    watches: new Map(),
    version: 1,
    oldest: 1,
  }
  for (const object of objects) state.objects.get(object.kind)?.set(keyOf(object), stamped(object, state.version))
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.fails?.(request) === true) answer(response, 500, status(500, 'InternalError'))
    else respond(state, request, response)
  }
  let server = await listen(handler, 0)
  const { port } = server.address() as AddressInfo
  const disconnect = (): void => {
    state.watches.clear()
    server.closeAllConnections()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    put: (object) => {
      const held = state.objects.get(object.kind)
      const type = held?.has(keyOf(object)) === true ? 'MODIFIED' : 'ADDED'
      record(state, type, object)
      held?.set(keyOf(object), stamped(object, state.version))
    },
    remove: (object) => {
      if (state.objects.get(object.kind)?.delete(keyOf(object)) === true) record(state, 'DELETED', object)
    },
    disconnect,
    endWatches: () => {
      for (const response of state.watches.keys()) response.end()
      state.watches.clear()
    },
    compact: () => {
      state.history.length = 0
      state.oldest = state.version
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      disconnect()
      await closed
    },
    start: async () => {
      server = await listen(handler, port)
    },
  }
}

function listen(handler: (request: IncomingMessage, response: ServerResponse) => void, port: number): Promise<Server> {
  const server = createServer(handler)
  server.keepAliveTimeout = 0
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

function keyOf({ metadata }: RecordedObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

function stamped(object: RecordedObject, version: number): string {
  return JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: String(version) } })
}

function record(state: State, type: string, object: RecordedObject): void {
  state.version += 1
  const line = `{"type":"${type}","object":${stamped(object, state.version)}}\n`
  state.history.push({ version: state.version, kind: object.kind, line })
  for (const [response, kind] of state.watches) if (kind === object.kind) response.write(line)
}

function respond(state: State, request: IncomingMessage, response: ServerResponse): void {
  request.resume()
  const url = new URL(request.url ?? '/', 'http://server')
  const kind = PATHS[url.pathname]
  if (request.method === 'POST') {
    // Events about what the proxy does: taken and forgotten.
    answer(response, 201, '{"apiVersion":"v1","kind":"Event","metadata":{"name":"taken"}}')
  } else if (kind === undefined) answer(response, 404, status(404, 'NotFound'))
  else if (url.searchParams.get('watch') === 'true') watch(state, { kind, query: url.searchParams }, response)
  else list(state, { kind, query: url.searchParams }, response)
}

type Question = { readonly kind: string; readonly query: URLSearchParams }

function watch(state: State, { kind, query }: Question, response: ServerResponse): void {
  const since = Number(query.get('resourceVersion') ?? '0')
  if (since < state.oldest) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"type":"ERROR","object":${status(410, 'Expired')}}\n`)
    return
  }
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  for (const entry of state.history) if (entry.version > since && entry.kind === kind) response.write(entry.line)
  state.watches.set(response, kind)
  response.on('close', () => state.watches.delete(response))
}

/** Pages of a list that changes meanwhile are told from the present; the watch that follows makes up for it. */
function list(state: State, { kind, query }: Question, response: ServerResponse): void {
  const all = [...(state.objects.get(kind)?.values() ?? [])]
  const [version, start] = (query.get('continue') ?? `${state.version}/0`).split('/').map(Number) as [number, number]
  if (version < state.oldest) {
    answer(response, 410, status(410, 'Expired'))
    return
  }
  const end = Math.min(all.length, start + Number(query.get('limit') ?? all.length))
  const token = end < all.length ? `,"continue":"${version}/${end}"` : ''
  const head = `{"kind":"${kind}List","apiVersion":"${kind === 'EndpointSlice' ? 'discovery.k8s.io/v1' : 'v1'}"`
  const items = all.slice(start, end).join(',')
  answer(response, 200, `${head},"metadata":{"resourceVersion":"${version}"${token}},"items":[${items}]}`)
}

function status(code: number, reason: string): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message: reason })
}

function answer(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
