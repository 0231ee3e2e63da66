/**
 * HTTP and HTTPS requests of one ApiConnection over kept-alive sockets: authorization, TLS, time and size limits.
 * Knows nothing of Kubernetes objects. Watches get sockets of their own, so that they cannot starve requests.
 */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect as tlsConnect } from 'node:tls'
import type { Clock } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { ApiConnection } from './api-connection.ts'

export type TransportOptions = {
  readonly clock: Clock
  readonly userAgent: string
  /** Unix socket to dial instead of the server's host and port; TLS is spoken through it all the same. */
  readonly socketPath?: string
  /** Makes the byte stream to the server, below TLS; wins over `socketPath`. */
  readonly dial?: () => Duplex | Promise<Duplex>
  /** Longest silence of the server, milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

export type TransportRequest = {
  readonly method: string
  /** Below the server URL, with query. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  /** Watches: the silence limit ends with the response's head, and the socket is not shared with requests. */
  readonly streaming?: boolean
}

export type Answer = { readonly status: number; readonly body: string }

export interface Transport {
  /** Resolves with the head of the response; the caller reads or destroys it. */
  open(request: TransportRequest): Promise<IncomingMessage>
  /** The whole response, refused beyond `limit` bytes. */
  exchange(request: TransportRequest, limit: number): Promise<Answer>
}

export function createTransport(connection: ApiConnection, options: TransportOptions): Transport {
  const base = new URL(connection.server)
  const prefix = base.pathname.replace(/\/+$/, '')
  const secure = base.protocol === 'https:'
  const agents = {
    requests: createAgent(connection, { options, secure, maxSockets: 32 }),
    streams: createAgent(connection, { options, secure, maxSockets: Infinity }),
  }
  options.signal?.addEventListener(
    'abort',
    () => {
      agents.requests.destroy()
      agents.streams.destroy()
    },
    { once: true },
  )

  const start = (request: TransportRequest): ClientRequest => {
    const authorization = connection.authorization?.()
    return (secure ? httpsRequest : httpRequest)({
      method: request.method,
      hostname: base.hostname.replace(/^\[|\]$/g, ''),
      ...(base.port === '' ? {} : { port: base.port }),
      ...(options.socketPath === undefined ? {} : { socketPath: options.socketPath }),
      path: prefix + request.path,
      agent: request.streaming === true ? agents.streams : agents.requests,
      headers: {
        accept: 'application/json',
        'user-agent': options.userAgent,
        ...request.headers,
        ...(authorization === undefined ? {} : { authorization }),
        ...(request.body === undefined ? {} : { 'content-length': Buffer.byteLength(request.body) }),
      },
    })
  }

  const openOnce = (request: TransportRequest, sent: { reused: boolean }): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const signals = [request.signal, options.signal].filter((signal) => signal !== undefined)
      const aborted = signals.find((signal) => signal.aborted)
      if (aborted !== undefined) {
        reject(aborted.reason as Error)
        return
      }
      const outgoing = start(request)
      const silence = silenceLimit(options, () => outgoing.destroy(unavailable(request, 'no answer in time')))
      const stop = (): void => {
        outgoing.destroy(signals.find((signal) => signal.aborted)?.reason as Error)
      }
      const settle = (): void => {
        silence.stop()
        for (const signal of signals) signal.removeEventListener('abort', stop)
      }
      for (const signal of signals) signal.addEventListener('abort', stop, { once: true })
      outgoing.on('close', settle)
      outgoing.on('error', (error) => {
        sent.reused = outgoing.reusedSocket
        reject(signals.some((signal) => signal.aborted) ? error : asUnavailable(request, error))
      })
      outgoing.on('response', (response) => {
        if (request.streaming === true) silence.stop()
        else response.on('data', silence.restart)
        response.pause()
        resolve(response)
      })
      outgoing.end(request.body)
    })

  /** A kept-alive socket may have been closed by the server as we wrote to it; reads are safe to send again. */
  const open = async (request: TransportRequest): Promise<IncomingMessage> => {
    const sent = { reused: false }
    try {
      return await openOnce(request, sent)
    } catch (error) {
      if (!sent.reused || request.method !== 'GET' || request.signal?.aborted === true) throw error
      return openOnce(request, sent)
    }
  }

  const exchange = async (request: TransportRequest, limit: number): Promise<Answer> => {
    const response = await open(request)
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length
        if (size > limit) throw tooLarge(request, limit)
        chunks.push(chunk)
      }
    } catch (error) {
      response.destroy()
      throw error instanceof SignalboxError || request.signal?.aborted === true ? error : asUnavailable(request, error)
    }
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }
  }

  return { open, exchange }
}

function createAgent(
  connection: ApiConnection,
  how: { options: TransportOptions; secure: boolean; maxSockets: number },
): Agent {
  const shared = { keepAlive: true, keepAliveMsecs: 15_000, maxSockets: how.maxSockets, scheduling: 'lifo' as const }
  const tls = {
    ...(connection.ca === undefined ? {} : { ca: connection.ca }),
    ...(connection.clientCertificate === undefined ? {} : { cert: connection.clientCertificate }),
    ...(connection.clientKey === undefined ? {} : { key: connection.clientKey }),
    ...(connection.tlsServerName === undefined ? {} : { servername: connection.tlsServerName }),
    rejectUnauthorized: connection.insecureSkipTlsVerify !== true,
  }
  const agent = how.secure ? new HttpsAgent({ ...shared, ...tls }) : new HttpAgent(shared)
  const { dial } = how.options
  if (dial === undefined) return agent
  agent.createConnection = (options, ready) => {
    const connected = async (): Promise<Duplex> => {
      const socket = await dial()
      return how.secure ? tlsConnect({ ...options, ...tls, socket } as ConnectionOptions) : socket
    }
    connected().then(
      (socket) => ready?.(null, socket),
      (error: unknown) => ready?.(error as Error, undefined as unknown as Duplex),
    )
    return undefined
  }
  return agent
}

/** Calls `expired` after the time limit without a `restart`. */
function silenceLimit(options: TransportOptions, expired: () => void): { restart: () => void; stop: () => void } {
  let last = options.clock.monotonic()
  let cancel = (): void => undefined
  // One timer looks at the time of the last byte, instead of a new timer for each chunk.
  const wait = (milliseconds: number): void => {
    cancel = options.clock.after(milliseconds, () => {
      const left = last + options.timeout - options.clock.monotonic()
      if (left > 0) wait(left)
      else expired()
    })
  }
  wait(options.timeout)
  return {
    restart: () => {
      last = options.clock.monotonic()
    },
    stop: () => cancel(),
  }
}

function unavailable(request: TransportRequest, fact: string, cause?: unknown): SignalboxError {
  const code = (cause as { code?: unknown } | undefined)?.code
  return new SignalboxError('SBX_API_UNAVAILABLE', `${request.method} ${request.path.split('?', 1)[0]}: ${fact}`, {
    facts: { method: request.method, path: request.path, ...(typeof code === 'string' ? { cause: code } : {}) },
    ...(cause === undefined ? {} : { cause }),
  })
}

function asUnavailable(request: TransportRequest, error: unknown): SignalboxError {
  return error instanceof SignalboxError ? error : unavailable(request, messageOf(error), error)
}

function tooLarge(request: TransportRequest, limit: number): SignalboxError {
  return new SignalboxError('SBX_API_REJECTED', `${request.method} ${request.path}: answer is over ${limit} bytes`)
}
