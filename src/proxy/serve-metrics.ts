/** What operators and their tools ask a proxy (OP-33): /metrics, /metrics/slis, /proxyMode, /configz and a bare /healthz. */
import type { RequestListener } from 'node:http'
import { EXPOSITION_TYPE } from './metrics.ts'
import type { ProxyHealth } from './proxy-health.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import type { Answer } from './serve-address.ts'
import { send } from './serve-address.ts'

export type MetricsHandlerOptions = {
  readonly metrics: ProxyMetrics
  readonly health: ProxyHealth
  readonly mode: string
  /** The configuration in use. */
  readonly configz: unknown
}

export function metricsHandler({ metrics, health, mode, configz }: MetricsHandlerOptions): RequestListener {
  const answerTo = (path: string | undefined): Answer | undefined => {
    switch (path) {
      case '/metrics':
        return { status: 200, body: metrics.expose(), type: EXPOSITION_TYPE }
      case '/metrics/slis':
        return { status: 200, body: slis(health.healthy), type: EXPOSITION_TYPE }
      case '/healthz':
        return { status: 200, body: 'ok', type: 'text/plain' }
      case '/proxyMode':
        return { status: 200, body: mode, type: 'text/plain' }
      case '/configz':
        return { status: 200, body: JSON.stringify({ 'kubeproxy.config.k8s.io': configz }), type: 'application/json' }
      case undefined:
      default:
        return undefined
    }
  }
  return (request, response) => {
    const answer = answerTo(request.url?.split('?', 1)[0])
    if (answer === undefined) response.writeHead(404).end()
    else send(response, answer)
  }
}

function slis(healthy: boolean): string {
  const name = 'kubernetes_healthcheck'
  return [
    `# HELP ${name} The result of a health check.`,
    `# TYPE ${name} gauge`,
    `${name}{name="sync",type="healthz"} ${healthy ? 1 : 0}`,
    '',
  ].join('\n')
}
