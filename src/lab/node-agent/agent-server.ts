/**
 * The agent's own HTTP endpoint, the kubelet's port 10250: container logs for `kubectl logs`, which the API server fetches
 * here. A bearer token is needed for everything but /healthz; it never appears in an answer.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'

import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'

import type { ContainerLog } from './container-log.ts'
import type { UpgradeRequest } from './streams/websocket-server.ts'
import { parseLogQuery, serveLog } from './serve-log.ts'
import { refuseUpgrade } from './streams/websocket-server.ts'

export type LogAddress = { readonly namespace: string; readonly pod: string; readonly container: string }

export type AgentServerOptions = {
  /** The node's addresses, one listener each. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly token: string
  /** `/exec`, `/attach` and `/portForward`, which leave HTTP; their caller is authorized already. */
  readonly serveStream: (url: URL, upgrade: UpgradeRequest) => void
  readonly findLog: (at: LogAddress, previous: boolean) => ContainerLog | undefined
  readonly clock: Clock
  readonly logger: Logger
}

export interface AgentServer {
  close(): Promise<void>
}

/** @throws SBX_LAB_LISTEN if an address is not to be had */
export async function startAgentServer(options: AgentServerOptions): Promise<AgentServer> {
  const servers: Server[] = []
  const upgraded = new Set<Socket>()
  const close = async (): Promise<void> => {
    await Promise.all(
      servers.map(async (server) => {
        const closed = new Promise((done) => server.close(done))
        server.closeAllConnections()
        for (const socket of upgraded) socket.destroy()
        await closed
      }),
    )
  }
  for (const address of options.addresses) {
    const server = createServer({ maxHeaderSize: 16_384 }, (request, response) => answer(options, request, response))
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      upgraded.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => upgraded.delete(socket))
      answerUpgrade(options, { request, socket, head })
    })
    try {
      await listen(server, address, options.port)
    } catch (cause) {
      await close()
      const facts = { address, port: options.port }
      throw new SignalboxError('SBX_LAB_LISTEN', `cannot listen on ${address} port ${options.port}`, { cause, facts })
    }
    servers.push(server)
  }
  return { close }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function answer(options: AgentServerOptions, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://node')
  if (request.method !== 'GET') refuse(response, 405, 'only GET is answered')
  else if (url.pathname === '/healthz') response.end('ok')
  else if (!isAuthorized(request.headers.authorization, options.token)) refuse(response, 401, 'Unauthorized')
  else if (url.pathname.startsWith('/containerLogs/')) answerLog(options, url, response)
  else refuse(response, 404, 'not found')
}

function answerUpgrade(options: AgentServerOptions, upgrade: UpgradeRequest): void {
  const { request, socket } = upgrade
  if (!isAuthorized(request.headers.authorization, options.token)) {
    refuseUpgrade(socket, { code: 401, text: 'Unauthorized' })
  } else {
    options.serveStream(new URL(request.url ?? '/', 'http://node'), upgrade)
  }
}

function answerLog(options: AgentServerOptions, url: URL, response: ServerResponse): void {
  const [namespace, pod, container, ...rest] = url.pathname.split('/').slice(2).map(decode)
  if (namespace === undefined || pod === undefined || container === undefined || rest.length > 0) {
    refuse(response, 404, 'not found')
    return
  }
  const query = parseLogQuery(url.searchParams, options.clock.now())
  if ('problem' in query) {
    refuse(response, 400, query.problem)
    return
  }
  const log = options.findLog({ namespace, pod, container }, query.previous)
  if (log === undefined) {
    const which = query.previous ? 'previous terminated container' : 'container'
    refuse(response, query.previous ? 400 : 404, `${which} "${container}" in pod "${pod}" not found`)
    return
  }
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.flushHeaders()
  serveLog(log, query, response)
}

/** Digests have one length, so the comparison tells nothing about the token. */
function isAuthorized(header: string | undefined, token: string): boolean {
  const given = /^Bearer (.+)$/i.exec(header ?? '')?.[1] ?? ''
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return token !== '' && timingSafeEqual(digest(given), digest(token))
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // No name has such characters: it will not be found.
    return part
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' })
  response.end(`${message}\n`)
}
