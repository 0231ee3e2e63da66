/** A server with the sample kinds on a real TLS socket, in a folder of its own, and a plain HTTPS client for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { silentLogger, systemClock } from '#lib'
import type { KindDefinition } from '../kinds/kind.ts'
import type { ApiServer, ApiServerOptions } from '../run-api-server.ts'
import { runApiServer } from '../run-api-server.ts'
import { sampleKinds } from './sample-kinds.ts'

export const ADMIN_TOKEN = 'admin-token-0123456789'
export const PROXY_TOKEN = 'proxy-token-0123456789'

export type Reply = {
  readonly code: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The parsed body; undefined if it is not JSON. */
  readonly json: Record<string, never> & { readonly [key: string]: unknown }
}

export type CallOptions = {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** '' sends none. */
  readonly token?: string
  readonly client?: { readonly certificate: string; readonly key: string }
}

export type HttpFixture = {
  readonly server: ApiServer
  readonly stateDir: string
  call(path: string, options?: CallOptions): Promise<Reply>
  /** Resolves with the headers; lines are collected as they come. */
  watch(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{
    readonly code: number
    readonly events: Record<string, never>[]
    /** Resolves when so many events are there, or the stream has ended. */
    until(count: number): Promise<void>
    /** Stops reading from the socket, and reads again. */
    pause(): void
    resume(): void
    readonly ended: Promise<void>
    stop(): void
  }>
  /** Also removes the folder, unless it is to be used again. */
  close(options?: { readonly keepState: boolean }): Promise<void>
}

export type HttpFixtureOptions = {
  readonly kinds?: readonly KindDefinition[]
  /** An earlier fixture's folder: a restart. */
  readonly stateDir?: string
  readonly limits?: ApiServerOptions['limits']
  /** Writes `audit.log` into the folder. */
  readonly audit?: boolean
}

export async function httpFixture(options: HttpFixtureOptions = {}): Promise<HttpFixture> {
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'signalbox-http-'))
  const tokensFile = join(stateDir, 'tokens.json')
  const tokens = [
    { token: ADMIN_TOKEN, user: 'admin', groups: ['system:masters'] },
    { token: PROXY_TOKEN, user: 'system:kube-proxy', groups: [] },
  ]
  writeFileSync(tokensFile, JSON.stringify(tokens), { mode: 0o600 })
  const server = await runApiServer({
    stateDir,
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['127.0.0.1'], port: 0 },
    serviceCIDRs: ['10.96.0.0/16'],
    tokensFile,
    nodeToken: 'node-token-0123456789',
    clock: systemClock,
    logger: silentLogger,
    kinds: options.kinds ?? sampleKinds(),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.audit === true ? { auditLogPath: join(stateDir, 'audit.log') } : {}),
  })
  const agent = new Agent({ keepAlive: true, ca: server.caCertificate })
  const open = (path: string, call: CallOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const token = call.token ?? ADMIN_TOKEN
      const body = call.body === undefined ? undefined : encoded(call.body)
      const outgoing = httpsRequest(
        {
          host: '127.0.0.1',
          port: server.port,
          path,
          method: call.method ?? 'GET',
          agent: call.client === undefined ? agent : false,
          ca: server.caCertificate,
          ...(call.client === undefined ? {} : { cert: call.client.certificate, key: call.client.key }),
          headers: {
            ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
            ...(body === undefined
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': String(body.length) }),
            ...call.headers,
          },
        },
        resolve,
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  return {
    server,
    stateDir,
    call: async (path, call = {}) => {
      const response = await open(path, call)
      const chunks: Buffer[] = []
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString()
      return { code: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) }
    },
    watch: async (path, headers = {}) => {
      const response = await open(path, { headers })
      const events: Record<string, never>[] = []
      let wake: () => void = () => undefined
      let done = false
      let rest = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        events.push(...lines.map((line) => JSON.parse(line) as Record<string, never>))
        wake()
      })
      const ended = new Promise<void>((resolve) => {
        response.on('close', () => {
          done = true
          wake()
          resolve()
        })
        response.on('error', () => undefined)
      })
      const until = async (count: number): Promise<void> => {
        while (events.length < count && !done) await new Promise<void>((resolve) => (wake = resolve))
      }
      return {
        code: response.statusCode ?? 0,
        events,
        until,
        ended,
        pause: () => void response.pause(),
        resume: () => void response.resume(),
        stop: () => void response.destroy(),
      }
    },
    close: async (how) => {
      agent.destroy()
      await server.close()
      if (how?.keepState !== true) rmSync(stateDir, { recursive: true, force: true })
    },
  }
}

function encoded(body: unknown): Buffer {
  if (body instanceof Uint8Array) return Buffer.from(body)
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

function parsed(text: string): Reply['json'] {
  try {
    return JSON.parse(text) as Reply['json']
  } catch {
    return {} as Reply['json']
  }
}
