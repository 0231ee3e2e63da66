/**
 * The small HTTP pages beside DNS: `/health` (the process answers), `/ready` (everything has been listed once; from then
 * on it stays ready through every outage of the API server, since the last state is still served), `/metrics`.
 */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { SignalboxError } from '#lib'
import { parseAddressPort } from './forward/index.ts'

export type Page = { readonly status: number; readonly type: string; readonly body: string }

export type HttpServer = { readonly port: number; close(): Promise<void> }

/** An address of the form `10.0.0.1:8181`, `localhost:8181` or `:8181` (all addresses). */
export async function serveHttp(text: string, pages: Readonly<Record<string, () => Page>>): Promise<HttpServer> {
  const at = addressOf(text)
  if (at === undefined) {
    throw new SignalboxError(
      'SBX_DNS_CONFIG',
      `the address for health, readiness or metrics is not ADDRESS:PORT: ${text}`,
      {
        facts: { address: text },
      },
    )
  }
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, response) => {
    const page = pages[request.url?.split('?', 1)[0] ?? '']?.() ?? text404
    response.writeHead(page.status, { 'content-type': page.type }).end(page.body)
  })
  server.maxConnections = 100
  await listen(server, at)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : at.port,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

export function plain(status: number, body: string): Page {
  return { status, type: 'text/plain', body }
}

const text404 = plain(404, 'not found\n')

type Place = { readonly address: string | undefined; readonly port: number }

function addressOf(text: string): Place | undefined {
  const open = /^(?<host>localhost)?:(?<port>\d{1,5})$/.exec(text)?.groups
  if (open === undefined) return parseAddressPort(text, 0)
  const port = Number(open['port'])
  return port > 0xffff ? undefined : { address: open['host'] === undefined ? undefined : '127.0.0.1', port }
}

async function listen(server: Server, at: Place): Promise<void> {
  const { address, port } = at
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new SignalboxError(
          'SBX_DNS_LISTEN',
          `cannot serve HTTP on ${address ?? 'any address'} port ${port}: ${cause.message}`,
          {
            facts: { address: address ?? 'any', port },
            cause,
          },
        ),
      ),
    )
    if (address === undefined) server.listen(port, resolve)
    else server.listen(port, address, resolve)
  })
}
