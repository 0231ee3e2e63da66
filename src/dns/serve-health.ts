/**
 * `/health`: the process answers. `/ready`: everything has been listed once; from then on it stays ready through every
 * outage of the API server, since the last state is still served (CoreDNS plugin/ready).
 */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { SignalboxError } from '#lib'
import { parseAddressPort } from './forward/index.ts'

export type HealthServer = { readonly port: number; close(): Promise<void> }

const READY_PORT = 8181

/** `waitingFor`: what readiness still lacks; empty when ready. */
export async function serveHealth(text: string, waitingFor: () => readonly string[]): Promise<HealthServer> {
  const at = parseAddressPort(text, READY_PORT)
  if (at === undefined) {
    throw new SignalboxError('SBX_DNS_CONFIG', `the health address is not ADDRESS:PORT: ${text}`, {
      facts: { address: text },
    })
  }
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0]
    const missing = path === '/ready' ? waitingFor() : []
    if (path !== '/ready' && path !== '/health') response.writeHead(404).end('not found\n')
    else if (missing.length === 0) response.writeHead(200, { 'content-type': 'text/plain' }).end('OK')
    else response.writeHead(503, { 'content-type': 'text/plain' }).end(`${missing.join('\n')}\n`)
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

async function listen(server: Server, at: { readonly address: string; readonly port: number }): Promise<void> {
  const { address, port } = at
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new SignalboxError('SBX_DNS_LISTEN', `cannot serve health on ${address} port ${port}: ${cause.message}`, {
          facts: { address, port },
          cause,
        }),
      ),
    )
    server.listen(port, address, resolve)
  })
}
