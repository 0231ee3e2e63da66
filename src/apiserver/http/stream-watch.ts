/**
 * A watch as a chunked answer. Headers are flushed at once: clients wait for them before they believe the watch stands
 * (api-server.md 1.1 #6). A reader that does not keep up is cut off and resumes from its last revision.
 */
import type { KubeObject } from '#api'
import { apiVersionOf } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Registry, WatchNotice, WatchRequest } from '../registry/index.ts'
import { watchObjects } from '../registry/index.ts'
import type { Encoding } from './encode.ts'
import { encodeValue, objectForm } from './encode.ts'
import type { Exchange } from './exchange.ts'
import { warningFields } from './exchange.ts'

/** Unsent bytes beyond which a watcher counts as too slow (api-server.md 16.3). */
const MAX_UNSENT = 8 * 1024 * 1024

/**
 * A busy watcher gets its events in packets this many milliseconds apart, a quiet one at once: encryption and the system call
 * cost more than the event itself.
 */
const PACKET_MILLISECONDS = 10

/** The open watches of a server, each as the function that ends it. */
export type OpenWatches = Set<() => void>

export function streamWatch(
  exchange: Exchange,
  watch: { readonly registry: Registry; readonly request: WatchRequest; readonly open: OpenWatches },
  encoding: Encoding,
): void {
  const { response } = exchange
  const { registry, request, open } = watch
  const { clock } = registry
  let withColumns = true
  let allowed = MAX_UNSENT
  let packet: string[] = []
  let sentAt = Number.NEGATIVE_INFINITY
  let cancelSend: (() => void) | undefined

  const start = (): void => {
    if (response.headersSent) return
    response.writeHead(200, {
      'Cache-Control': 'no-cache, private',
      'Content-Type': encoding.form.type === 'yaml' ? 'application/yaml' : 'application/json',
      ...(exchange.warnings.size === 0 ? {} : { Warning: warningFields(exchange.warnings) }),
    })
    response.flushHeaders()
  }
  const flush = (): void => {
    cancelSend?.()
    cancelSend = undefined
    if (packet.length === 0) return
    const text = packet.join('')
    packet = []
    sentAt = clock.monotonic()
    response.write(text)
    if (response.writableLength > allowed) response.destroy()
  }
  const write = (notices: readonly WatchNotice[]): void => {
    const first = !response.headersSent
    start()
    const lines = notices.map((notice) => line(notice))
    // The initial state may be larger than the limit by itself; what it takes is allowed on top.
    if (first) allowed += lines.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    for (const text of lines) packet.push(text)
    const wait = sentAt + PACKET_MILLISECONDS - clock.monotonic()
    if (wait <= 0) flush()
    else cancelSend ??= clock.after(wait, flush)
  }
  const line = (notice: WatchNotice): string => {
    const isPlain = encoding.form.type === 'json' && !encoding.pretty
    if (isPlain && notice.type !== 'BOOKMARK' && notice.type !== 'ERROR') {
      return `{"type":"${notice.type}","object":${notice.stored.json}}\n`
    }
    const event = { type: notice.type, object: eventObject(request.kind, notice, { ...encoding, withColumns }) }
    if (notice.type !== 'ERROR') withColumns = false
    return encodeValue(event, encoding).text
  }

  const finish = (): void => {
    flush()
    response.end()
  }
  const end = (): void => {
    stop()
    finish()
  }
  const stop = watchObjects(registry, request, { send: write, end: finish })
  start()
  open.add(end)
  response.on('close', () => {
    cancelSend?.()
    stop()
    open.delete(end)
  })
  if (response.destroyed) {
    stop()
    open.delete(end)
  }
}

function eventObject(
  kind: KindDefinition,
  notice: WatchNotice,
  encoding: Encoding & { readonly withColumns: boolean },
): unknown {
  if (notice.type === 'ERROR') return notice.status
  if (notice.type !== 'BOOKMARK') return objectForm(kind, notice.stored.object, encoding)
  const annotations = notice.initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}
  const metadata = { resourceVersion: String(notice.revision), creationTimestamp: null, ...annotations }
  const bookmark = { kind: kind.info.kind, apiVersion: apiVersionOf(kind.info), metadata } as unknown as KubeObject
  return objectForm(kind, bookmark, encoding)
}
