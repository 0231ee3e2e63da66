/** /healthz and /livez over HTTP (HC-10). Answers nothing else, reads no body, and closes with the signal. */
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { SignalboxError } from '#lib'
import type { ProxyHealth } from './proxy-health.ts'

/**
 * @param bind HOST:PORT, IPv6 in brackets
 * @throws SBX_PROXY_HEALTHZ_LISTEN if the address cannot be bound
 */
export async function serveHealthz(bind: string, health: ProxyHealth, signal: AbortSignal): Promise<{ port: number }> {
  const { host, port } = splitBind(bind)
  const server = createServer({ maxHeaderSize: 8192, requestTimeout: 5000 }, (request, response) => {
    const path = request.url?.split('?', 1)[0]
    const answer = path === '/healthz' ? health.healthz() : path === '/livez' ? health.livez() : undefined
    if (answer === undefined) {
      response.writeHead(404).end()
      return
    }
    const headers = { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' }
    response.writeHead(answer.status, headers).end(JSON.stringify(answer.body))
  })
  await listen(server, host, port)
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) close()
  const bound = server.address()
  return { port: typeof bound === 'object' && bound !== null ? bound.port : port }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const text = `cannot listen on ${host}:${port}: ${cause.message}`
      reject(new SignalboxError('SBX_PROXY_HEALTHZ_LISTEN', text, { cause }))
    })
    server.listen(port, host, resolve)
  })
}

function splitBind(bind: string): { readonly host: string; readonly port: number } {
  const colon = bind.lastIndexOf(':')
  const host = bind.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = Number(bind.slice(colon + 1))
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new SignalboxError('SBX_PROXY_HEALTHZ_LISTEN', `"${bind}" is not HOST:PORT`)
  }
  return { host, port }
}
