/**
 * A small HTTP server on a HOST:PORT that is tried again while somebody else has the port (HC-14, OP-33). Reads no bodies,
 * and closes with the signal.
 */
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { ErrorCode, Clock, Logger } from '#lib'
import { joinHostPort, messageOf, SignalboxError } from '#lib'

export type BindAddress = { readonly host: string; readonly port: number }

export type ServeAddressOptions = {
  /** HOST:PORT, IPv6 in brackets. */
  readonly bind: string
  readonly handler: RequestListener
  readonly code: ErrorCode
  /** True: an address that cannot be bound is an error; else it is tried again. */
  readonly hardFail: boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly onListening?: ((port: number) => void) | undefined
}

const RETRY = 5000

/** Resolves once it listens, or waits for its next attempt. @throws `code` */
export async function serveAddress(options: ServeAddressOptions): Promise<void> {
  const address = readBindAddress(options.bind, options.code)
  try {
    await open(options, address)
  } catch (error) {
    if (options.hardFail) throw error
    void retry(options, address, error)
  }
}

async function retry(options: ServeAddressOptions, address: BindAddress, first: unknown): Promise<void> {
  const { clock, logger, signal } = options
  for (let error: unknown = first; error !== undefined;) {
    logger.warn('address cannot be bound, trying again', { bind: options.bind, message: messageOf(error) })
    try {
      await clock.sleep(RETRY, signal)
      await open(options, address)
      error = undefined
    } catch (next) {
      if (signal.aborted) return
      error = next
    }
  }
}

async function open(options: ServeAddressOptions, { host, port }: BindAddress): Promise<void> {
  const server = createServer(HTTP_LIMITS, options.handler)
  await listen(server, { host, port }, options.code)
  closeWith(server, options.signal)
  const bound = server.address()
  options.onListening?.(typeof bound === 'object' && bound !== null ? bound.port : port)
}

/** What a stranger may cost: nothing here is more than a short GET. */
export const HTTP_LIMITS = { maxHeaderSize: 8192, requestTimeout: 5000, headersTimeout: 5000 } as const

export function listen(
  server: Server,
  at: BindAddress & { readonly ipv6Only?: boolean },
  code: ErrorCode,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void => {
      reject(
        new SignalboxError(code, `cannot listen on ${joinHostPort(at.host, at.port)}: ${cause.message}`, { cause }),
      )
    }
    server.once('error', failed)
    server.maxConnections = 256
    server.listen({ host: at.host, port: at.port, ipv6Only: at.ipv6Only ?? false }, () => {
      server.off('error', failed)
      server.on('error', () => undefined)
      resolve()
    })
  })
}

export function closeWith(server: Server, signal: AbortSignal): void {
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  if (signal.aborted) close()
  else signal.addEventListener('abort', close, { once: true })
}

/** @throws `code` if it is not HOST:PORT */
export function readBindAddress(bind: string, code: ErrorCode): BindAddress {
  const colon = bind.lastIndexOf(':')
  const host = bind.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const port = Number(bind.slice(colon + 1))
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65535) {
    throw new SignalboxError(code, `"${bind}" is not HOST:PORT`)
  }
  return { host, port }
}

export type Answer = { readonly status: number; readonly body: string; readonly type: string }

export function send(response: Parameters<RequestListener>[1], { status, body, type }: Answer): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body)
}
