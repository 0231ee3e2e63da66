/**
 * One HTTP server a health-check node port and family (HC-1..HC-8): tells a load balancer in front of an
 * `externalTrafficPolicy: Local` service how many of its endpoints are on this node.
 *
 * Endpoint counts change in place; a server is closed only when its port changes or its service goes, so probes that run
 * are not reset. A port that cannot be bound is reported, and tried again at every sync.
 */
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import type { Family, Logger } from '#lib'
import { messageOf } from '#lib'
import { closeWith, HTTP_LIMITS, listen } from './serve-address.ts'
import type { FactsChange, HealthCheck } from './service-facts.ts'

export type ServiceHealthOptions = {
  readonly family: Family
  /** Undefined: all addresses of the family. Asked once. */
  readonly addresses: () => readonly string[] | undefined
  /** Of the proxy, without the node's eligibility (HC-2). */
  readonly healthy: () => boolean
  readonly logger: Logger
  readonly signal: AbortSignal
  /** HC-7: becomes an event of the service. */
  readonly onFailure: (service: string, message: string) => void
}

export interface ServiceHealth {
  sync(changes: readonly FactsChange[]): Promise<void>
}

type Served = {
  check: HealthCheck
  /** Empty: could not be opened yet. */
  servers: readonly Server[]
}

export function createServiceHealth(options: ServiceHealthOptions): ServiceHealth {
  const { family, logger, signal } = options
  const served = new Map<string, Served>()
  let hosts: readonly string[] | undefined

  const handler =
    (service: string): RequestListener =>
    (_request, response) => {
      const entry = served.get(service)
      // A request that races with the end of the service gets an empty answer (HC-8).
      if (entry === undefined) response.writeHead(200).end()
      else answer(response, { service, check: entry.check, healthy: options.healthy() })
    }

  const open = async (service: string, entry: Served): Promise<void> => {
    hosts ??= options.addresses() ?? [family === 'IPv4' ? '0.0.0.0' : '::']
    const servers: Server[] = []
    try {
      for (const host of hosts) {
        const server = createServer(HTTP_LIMITS, handler(service))
        servers.push(server)
        await listen(
          server,
          { host, port: entry.check.nodePort, ipv6Only: family === 'IPv6' },
          'SBX_PROXY_HEALTH_CHECK_LISTEN',
        )
        closeWith(server, signal)
      }
      entry.servers = servers
    } catch (error) {
      close(servers)
      logger.warn('health check port of a service cannot be served', { service, family, message: messageOf(error) })
      options.onFailure(service, messageOf(error))
    }
  }

  return {
    sync: async (changes) => {
      for (const { key, after } of changes) {
        const check = after?.healthCheck
        const entry = served.get(key)
        if (entry !== undefined && entry.check.nodePort !== check?.nodePort) {
          served.delete(key)
          close(entry.servers)
        }
        if (check === undefined) continue
        const kept = served.get(key)
        if (kept === undefined) served.set(key, { check, servers: [] })
        else kept.check = check
      }
      for (const [service, entry] of served) {
        if (entry.servers.length === 0 && !signal.aborted) await open(service, entry)
      }
    },
  }
}

type Facts = { readonly service: string; readonly check: HealthCheck; readonly healthy: boolean }

/** HC-2, HC-3, HC-4. */
function answer(response: Parameters<RequestListener>[1], { service, check, healthy }: Facts): void {
  const { localEndpoints } = check
  const [namespace, name] = service.split('/', 2)
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy }
  response
    .writeHead(localEndpoints > 0 && healthy ? 200 : 503, {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    })
    .end(JSON.stringify(body))
}

function close(servers: readonly Server[]): void {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
}
