/** A FakeApi behind a real socket, HTTP or HTTPS, that misbehaves on demand: for the tests of this folder. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { KubeObject, ResourceInfo } from '#api'
import { RESOURCES } from '#api'
import type { SignalboxError } from '#lib'
import type { ApiClient } from '../api-client.ts'

export interface ServedApi {
  readonly port: number
  /** Method and URL of each request. */
  readonly requests: string[]
  /** Headers of the last request. */
  readonly lastHeaders: IncomingMessage['headers']
  readonly lastBody: string
  /** Answers the next requests with this status and body, one each. */
  answerNext(status: number, body: string, times?: number): void
  /** Writes these bytes to all open watches, one write a chunk. */
  inject(...chunks: readonly (string | Buffer)[]): Promise<void>
  /** Resets all connections. */
  reset(): void
  /** Ends all watches properly. */
  endWatches(): void
  readonly openWatches: number
  close(): Promise<void>
}

export type ServeOptions = {
  readonly client: ApiClient
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Bytes a write of a watch event; all at once if not given. */
  readonly chunkSize?: number
  /** Unix socket instead of a port. */
  readonly socketPath?: string
  readonly port?: number
  /** Sends no head at all. */
  readonly mute?: boolean
}

export async function serveFakeApi(options: ServeOptions): Promise<ServedApi> {
  const watches = new Map<ServerResponse, AbortController>()
  const scripted: { status: number; body: string }[] = []
  const served: { lastHeaders: IncomingMessage['headers']; lastBody: string; requests: string[] } = {
    lastHeaders: {},
    lastBody: '',
    requests: [],
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    served.requests.push(`${request.method} ${request.url}`)
    served.lastHeaders = request.headers
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    served.lastBody = Buffer.concat(chunks).toString('utf8')
    if (options.mute === true) return
    const script = scripted.shift()
    if (script !== undefined) {
      response.writeHead(script.status).end(script.body)
      return
    }
    const url = new URL(request.url ?? '/', 'http://x')
    const target = parsePath(url.pathname)
    if (target === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found')
      return
    }
    const query = Object.fromEntries(url.searchParams)
    if (query['watch'] === 'true') await watch(target, query, response)
    else await answer({ request, target, query, body: served.lastBody }, response)
  }

  const watch = async (
    target: Target,
    query: Readonly<Record<string, string>>,
    response: ServerResponse,
  ): Promise<void> => {
    const stop = new AbortController()
    watches.set(response, stop)
    response.on('close', () => {
      watches.delete(response)
      stop.abort()
    })
    response.writeHead(200)
    response.flushHeaders()
    try {
      for await (const event of options.client.watch(target.resource, { ...query, ...target.scope }, stop.signal)) {
        await writeAll(response, `${JSON.stringify(event)}\n`)
      }
    } catch (error) {
      if (!response.writableEnded)
        response.write(`${JSON.stringify({ type: 'ERROR', object: statusOf(error as SignalboxError) })}\n`)
    }
    response.end()
  }

  const writeAll = async (response: ServerResponse, text: string): Promise<void> => {
    const bytes = Buffer.from(text)
    const step = options.chunkSize ?? bytes.length
    for (let start = 0; start < bytes.length; start += step) {
      response.write(bytes.subarray(start, start + step))
      if (step < bytes.length) await new Promise(setImmediate)
    }
  }

  const answer = async (
    call: { request: IncomingMessage; target: Target; query: Readonly<Record<string, string>>; body: string },
    response: ServerResponse,
  ): Promise<void> => {
    try {
      const result = await dispatch(options.client, call)
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result))
    } catch (error) {
      const status = statusOf(error as SignalboxError)
      response.writeHead(status.code, { 'content-type': 'application/json' }).end(JSON.stringify(status))
    }
  }

  const listener: RequestListener = (request, response) => {
    handle(request, response).catch(() => response.destroy())
  }
  const server = options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener)
  await new Promise<void>((resolve) => {
    if (options.socketPath === undefined) server.listen(options.port ?? 0, '127.0.0.1', resolve)
    else server.listen(options.socketPath, resolve)
  })

  return {
    requests: served.requests,
    get lastHeaders() {
      return served.lastHeaders
    },
    get lastBody() {
      return served.lastBody
    },
    port: options.socketPath === undefined ? (server.address() as AddressInfo).port : 0,
    get openWatches() {
      return watches.size
    },
    answerNext: (status: number, body: string, times = 1) => {
      for (let i = 0; i < times; i += 1) scripted.push({ status, body })
    },
    inject: async (...chunks: readonly (string | Buffer)[]) => {
      for (const chunk of chunks) {
        for (const response of watches.keys()) if (!response.writableEnded) response.write(chunk)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    },
    reset: () => server.closeAllConnections(),
    endWatches: () => {
      for (const stop of watches.values()) stop.abort()
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

type Target = {
  readonly resource: ResourceInfo
  readonly scope: { readonly namespace?: string }
  readonly name: string | undefined
  readonly subresource: string | undefined
}

function parsePath(path: string): Target | undefined {
  const match =
    /^\/(?:api|apis\/([^/]+))\/v1(?:\/namespaces\/([^/]+)(?=\/[a-z]))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(
      path,
    )
  if (match === null) return undefined
  const [, group = '', namespace, plural, name, subresource] = match
  const resource = RESOURCES.find((info) => info.group === group && info.resource === plural)
  if (resource === undefined) return undefined
  return { resource, scope: namespace === undefined ? {} : { namespace }, name, subresource }
}

function dispatch(
  client: ApiClient,
  call: { request: IncomingMessage; target: Target; query: Readonly<Record<string, string>>; body: string },
): Promise<unknown> {
  const { resource, scope, name, subresource } = call.target
  const at = { ...scope, name: name ?? '' }
  const parsed = (): KubeObject => {
    const object = JSON.parse(call.body) as KubeObject
    return { ...object, metadata: { ...object.metadata, name: object.metadata.name ?? '' } }
  }
  switch (call.request.method) {
    case 'GET': {
      const { limit, ...rest } = call.query
      if (name !== undefined) return client.get(resource, at)
      return client.list(resource, { ...rest, ...scope, ...(limit === undefined ? {} : { limit: Number(limit) }) })
    }
    case 'POST':
      return client.create(resource, parsed())
    case 'PUT':
      return subresource === 'status' ? client.updateStatus(resource, parsed()) : client.update(resource, parsed())
    case 'PATCH':
      return client.patch(resource, at, { type: 'merge', body: JSON.parse(call.body) })
    case undefined:
    default:
      return client.delete(resource, at).then(() => ({ kind: 'Status', status: 'Success' }))
  }
}

function statusOf(error: SignalboxError): { code: number } & Readonly<Record<string, unknown>> {
  const code = Number(error.facts?.['status'] ?? 500)
  const reason = error.code === 'SBX_API_ALREADY_EXISTS' ? 'AlreadyExists' : code === 410 ? 'Expired' : ''
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', code, reason, message: error.message }
}
