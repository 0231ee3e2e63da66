/**
 * `pods/exec`, `pods/attach` and `pods/portforward`: after the checks the client's connection is joined with one to the
 * daemon of the pod's node, which speaks the streaming protocol (WebSocket or SPDY/3.1). Nothing of it is read here, as in
 * kube-apiserver (apimachinery util/proxy/upgradeaware.go).
 */
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'

import type { Pod } from '#api'
import type { Target } from '../registry/index.ts'
import { getObject } from '../registry/index.ts'
import { badRequest, failure, internalError, methodNotAllowed, Refused } from '../status/index.ts'
import type { Exchange, Upgrade } from './exchange.ts'
import { answerStatus } from './exchange.ts'
import { flag } from './parameters.ts'
import type { Daemon } from './pod-daemon.ts'
import { containerOf, daemonHeaders, daemonOf } from './pod-daemon.ts'
import type { ServerContext } from './server-context.ts'

export type PodStream = 'exec' | 'attach' | 'portforward'

const CONNECT_MILLISECONDS = 10_000
/** What a daemon says when it refuses, at the most. */
const MAX_REFUSAL = 4096
/** Header fields of the upgrade that concern the two ends. */
const PASSED_ON = [
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'x-stream-protocol-version',
]
/** PodExecOptions names its streams otherwise than the daemon does (kubelet cri/streaming). */
const STREAMS = { stdin: 'input', stdout: 'output', stderr: 'error' } as const

const PATH = /^\/+api\/+v1\/+namespaces\/+[^/?]+\/+pods\/+[^/?]+\/+(exec|attach|portforward)\/*(\?|$)/

/** Whether a request with `Upgrade` is for one of these; asked before anything else is known of it. */
export function offersStream(request: IncomingMessage): boolean {
  return PATH.test(request.url ?? '')
}

export function isPodStream(subresource: string | undefined): subresource is PodStream {
  return subresource === 'exec' || subresource === 'attach' || subresource === 'portforward'
}

export async function servePodStream(
  context: ServerContext,
  exchange: Exchange,
  call: { readonly target: Target; readonly action: PodStream },
): Promise<void> {
  const { target, action } = call
  const { request, upgrade } = exchange
  if (request.method !== 'GET' && request.method !== 'POST') throw new Refused(methodNotAllowed())
  const pod = (await getObject(context.registry, target, '')).object as Pod
  const query = action === 'portforward' ? portQuery(exchange.query) : streamQuery(exchange.query, action)
  const container = action === 'portforward' ? [] : [containerOf(pod, exchange.query.get('container') ?? '')]
  const daemon = daemonOf(context, pod)
  if (upgrade === undefined) throw new Refused(badRequest('Upgrade request required'))
  const verb = action === 'portforward' ? 'portForward' : action
  const path = [verb, target.namespace ?? '', target.name, ...container].map(encodeURIComponent).join('/')
  const text = query.toString()
  await join(context, { ...exchange, upgrade }, { ...daemon, path: `/${path}${text === '' ? '' : `?${text}`}` })
}

function streamQuery(asked: URLSearchParams, action: 'exec' | 'attach'): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, passed] of Object.entries(STREAMS)) if (flag(asked, name) === true) query.set(passed, '1')
  if (query.size === 0) throw new Refused(badRequest('you must specify at least 1 of stdin, stdout, stderr'))
  if (flag(asked, 'tty') === true) query.set('tty', '1')
  if (action === 'attach') return query
  const command = asked.getAll('command')
  if (command.length === 0) throw new Refused(badRequest('you must specify a command for the container'))
  for (const word of command) query.append('command', word)
  return query
}

function portQuery(asked: URLSearchParams): URLSearchParams {
  const query = new URLSearchParams()
  for (const port of asked.getAll('ports').flatMap((list) => list.split(','))) {
    if (port === '') continue
    const number = /^\d{1,5}$/.test(port) ? Number(port) : 0
    if (number < 1 || number > 65_535) throw new Refused(badRequest(`unable to parse port ${JSON.stringify(port)}`))
    query.append('port', port)
  }
  return query
}

/** Resolves when the two connections are one, or the refusal is written. */
function join(
  context: ServerContext,
  exchange: Exchange & { readonly upgrade: Upgrade },
  at: Daemon & { readonly path: string },
): Promise<void> {
  const { request, response, upgrade } = exchange
  const given = PASSED_ON.filter((name) => request.headers[name] !== undefined)
  const passed = Object.fromEntries(given.map((name) => [name, request.headers[name]]))
  const headers = { ...daemonHeaders(context), ...passed, connection: 'Upgrade' }
  const call = httpRequest({ ...at, method: request.method ?? 'GET', headers, agent: false })
  const cancel = context.clock.after(CONNECT_MILLISECONDS, () => call.destroy(new Error('no answer in time')))
  const { promise, resolve } = Promise.withResolvers<void>()
  const onClose = (): void => void call.destroy()
  upgrade.socket.once('close', onClose)
  const settle = (): void => {
    cancel()
    resolve()
  }
  call.on('error', (error) => {
    answerStatus(exchange, internalError(`error dialing the node's daemon: ${error.message}`))
    settle()
  })
  call.on('response', (incoming) => {
    void refusalText(incoming).then((text) => {
      const { statusCode } = incoming
      const code = statusCode === 400 || statusCode === 404 ? statusCode : 500
      const reason = code === 400 ? 'BadRequest' : code === 404 ? 'NotFound' : 'InternalError'
      const message = text === '' ? `the node's daemon answered ${statusCode}` : text
      answerStatus(exchange, failure({ code, reason, message }))
      settle()
    })
  })
  call.on('upgrade', (incoming, stream, first) => {
    const daemon = stream as Socket
    upgrade.socket.off('close', onClose)
    response.detachSocket(upgrade.socket)
    upgrade.socket.write(responseHead(incoming))
    splice(upgrade, { socket: daemon, head: first })
    const end = (): void => {
      daemon.destroy()
      upgrade.socket.destroy()
    }
    context.openWatches.add(end)
    daemon.on('close', () => context.openWatches.delete(end))
    settle()
  })
  call.end()
  return promise
}

function responseHead({ statusCode, rawHeaders }: IncomingMessage): string {
  const lines: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`)
  return `HTTP/1.1 ${statusCode} Switching Protocols\r\n${lines.join('')}\r\n`
}

/** Bytes with backpressure both ways; where one side ends or breaks, the other ends too. */
function splice(a: Upgrade, b: Upgrade): void {
  for (const { socket } of [a, b]) socket.setNoDelay(true)
  b.socket.write(a.head)
  a.socket.write(b.head)
  const pass = (from: Socket, to: Socket): void => {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroySoon())
  }
  pass(a.socket, b.socket)
  pass(b.socket, a.socket)
}

async function refusalText(incoming: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8')
      if (text.length > MAX_REFUSAL) break
    }
  } catch {
    // What has come until then is the answer.
  }
  return text.slice(0, MAX_REFUSAL).trim()
}
