/** The proxy's own HTTP servers, each tried again or fatal when its address is taken (HC-14, OP-33). */
import type { Clock, ErrorCode, Logger } from '#lib'
import { messageOf } from '#lib'
import type { ProxyConfig } from './config.ts'
import type { EventSink, ProxyEvent } from './events.ts'
import type { ProxyHealth } from './proxy-health.ts'
import type { ProxyMetrics } from './proxy-metrics.ts'
import { serveAddress } from './serve-address.ts'
import { healthzHandler } from './serve-healthz.ts'
import { metricsHandler } from './serve-metrics.ts'

export type StartServersOptions = {
  readonly config: ProxyConfig
  readonly configz?: unknown
  readonly mode: string
  readonly health: ProxyHealth
  readonly metrics: ProxyMetrics
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly onEvent?: EventSink
  readonly onHealthz?: (port: number) => void
  readonly onMetrics?: (port: number) => void
}

export async function startServers(options: StartServersOptions): Promise<void> {
  const { config, health, metrics } = options
  if (config.healthzBindAddress !== undefined) {
    await start(options, {
      bind: config.healthzBindAddress,
      handler: healthzHandler(health, (path, status) => metrics.asked(path, status)),
      code: 'SBX_PROXY_HEALTHZ_LISTEN',
      reason: 'FailedToStartProxierHealthcheck',
      onListening: options.onHealthz,
    })
  }
  if (config.metricsBindAddress !== undefined) {
    await start(options, {
      bind: config.metricsBindAddress,
      handler: metricsHandler({ metrics, health, mode: options.mode, configz: options.configz ?? config }),
      code: 'SBX_PROXY_METRICS_LISTEN',
      reason: 'FailedToStartMetricServer',
      onListening: options.onMetrics,
    })
  }
}

type Starting = {
  readonly bind: string
  readonly handler: ReturnType<typeof healthzHandler>
  readonly code: ErrorCode
  readonly reason: ProxyEvent['reason']
  readonly onListening: ((port: number) => void) | undefined
}

async function start(options: StartServersOptions, { reason, ...server }: Starting): Promise<void> {
  const { clock, logger, signal, config } = options
  try {
    await serveAddress({ ...server, hardFail: config.bindAddressHardFail, clock, logger, signal })
  } catch (error) {
    options.onEvent?.({ type: 'Warning', reason, message: messageOf(error) })
    throw error
  }
}
