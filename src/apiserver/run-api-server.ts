/** The embedded API server as one resource with a lifetime: storage, kinds, certificates, listener. */
import { join } from 'node:path'

import type { Clock, Logger } from '#lib'
import { joinHostPort } from '#lib'
import type { TokenTable } from './auth/index.ts'
import { createAuthorizer, keepPolicy, openPki, readTokenFile, writePolicy } from './auth/index.ts'
import type { Advertised } from './bootstrap.ts'
import { bootstrap, firstServiceAddresses } from './bootstrap.ts'
import { serveCustomKinds } from './custom/index.ts'
import type { LimitOptions, Listener, ServerContext } from './http/index.ts'
import { createLimits, DEFAULT_LIMITS, EXTRA_RESOURCES, listen, openAuditLog } from './http/index.ts'
import type { KindDefinition } from './kinds/index.ts'
import { createKindsWithAllocator } from './kinds/index.ts'
import { collectGarbage, createRegistry, expireEvents } from './registry/index.ts'
import { keepAddresses } from './repair/index.ts'
import { createStore, openDatabase } from './storage/index.ts'

export type ApiServerOptions = {
  /** Holds `store.db` and `pki/`; created with mode 0700. */
  readonly stateDir: string
  readonly listen: { readonly host: string; readonly port: number }
  /** Where clients inside the cluster reach this server. `port: 0`: the port it listens on. */
  readonly advertise: Advertised
  readonly serviceCIDRs: readonly string[]
  readonly nodePortRange?: { readonly first: number; readonly last: number }
  /** Absent: client certificates only. */
  readonly tokensFile?: string
  /** Bearer token that the node daemons accept for logs. */
  readonly nodeToken?: string
  /** Names in the server certificate beyond the usual ones. */
  readonly dnsNames?: readonly string[]
  /** Where each request is recorded; nowhere if not given. */
  readonly auditLogPath?: string
  /** How long Events are kept after they were last written; an hour if not given. */
  readonly eventTtlSeconds?: number
  readonly limits?: Partial<LimitOptions>
  readonly clock: Clock
  readonly logger: Logger
  /** Aborting closes the server. */
  readonly signal?: AbortSignal
  /** For tests of the engine; the real kinds if not given. */
  readonly kinds?: readonly KindDefinition[]
}

export type ApiServer = {
  readonly url: string
  readonly port: number
  /** PEM, for kubeconfigs. */
  readonly caCertificate: string
  /** A client certificate of this server's CA, e.g. for an administrator's kubeconfig. */
  readonly issueClientCertificate: (user: {
    readonly name: string
    readonly groups: readonly string[]
  }) => Promise<{ readonly certificate: string; readonly key: string }>
  /** Ends watches, finishes what runs, commits and closes the store. */
  readonly close: () => Promise<void>
}

const EVENT_TTL_SECONDS = 3600

const DNS_NAMES = [
  'localhost',
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
]

export async function runApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, logger, advertise, serviceCIDRs, nodePortRange } = options
  const tokens: TokenTable = options.tokensFile === undefined ? new Map() : readTokenFile(options.tokensFile)
  const addresses = ['127.0.0.1', '::1', ...advertise.addresses, ...firstServiceAddresses(serviceCIDRs)]
  const names = {
    addresses: [...new Set(addresses)],
    dnsNames: [...new Set([...DNS_NAMES, ...(options.dnsNames ?? [])])],
  }
  const pki = await openPki(join(options.stateDir, 'pki'), names, clock.now())
  const own = createKindsWithAllocator({
    serviceCIDRs,
    ...(nodePortRange === undefined ? {} : { nodePortRange }),
    onCollision: (collision) => logger.error('two stored services claim the same address or port', collision),
  })
  const kinds = options.kinds ?? own.kinds

  const { auditLogPath } = options
  const audit = auditLogPath === undefined ? undefined : openAuditLog({ path: auditLogPath, clock, logger })
  const store = createStore({ database: openDatabase(join(options.stateDir, 'store.db')), clock })
  let ready = false
  let listener: Listener | undefined
  let stopCollecting: () => void = () => undefined
  const close = async (): Promise<void> => {
    ready = false
    stopCollecting()
    await listener?.close()
    store.close()
    audit?.close()
  }
  try {
    const registry = createRegistry({ store, clock, kinds })
    // Before the first request: until then nobody but an administrator may do anything.
    await writePolicy(registry)
    const context: ServerContext = {
      registry,
      tokens,
      authorizer: createAuthorizer(registry),
      clock,
      logger,
      openWatches: new Set(),
      limits: createLimits({ ...DEFAULT_LIMITS, ...options.limits }, clock),
      audit,
      extraResources: EXTRA_RESOURCES,
      nodeToken: options.nodeToken,
      isReady: () => ready,
    }
    listener = await listen(context, {
      ...options.listen,
      certificate: pki.serverCertificate,
      key: pki.serverKey,
      clientAuthority: pki.caCertificate,
    })
    const port = advertise.port === 0 ? listener.port : advertise.port
    await bootstrap(registry, { serviceCIDRs, advertise: { ...advertise, port } })
    const stopGarbage = collectGarbage(registry, logger)
    const stopCustom = serveCustomKinds(registry, logger)
    const stopPolicy = keepPolicy(registry, logger)
    const stopAddresses = keepAddresses(registry, own.services, logger)
    const stopExpiring = expireEvents(registry, options.eventTtlSeconds ?? EVENT_TTL_SECONDS, logger)
    stopCollecting = () => {
      stopExpiring()
      stopGarbage()
      stopAddresses()
      stopCustom()
      stopPolicy()
      context.authorizer.stop()
    }
    ready = true
  } catch (error) {
    await close()
    throw error
  }
  let closing: Promise<void> | undefined
  const closeOnce = (): Promise<void> => (closing ??= close())
  options.signal?.addEventListener('abort', () => void closeOnce(), { once: true })
  return {
    url: `https://${joinHostPort(options.listen.host, listener.port)}`,
    port: listener.port,
    caCertificate: pki.caCertificate,
    issueClientCertificate: pki.issueClient,
    close: closeOnce,
  }
}
