/** Everything that is not a resource: health, version, discovery and OpenAPI (api-server.md 3, 5). */
import { createHash } from 'node:crypto'

import type { KindDefinition } from '../kinds/kind.ts'
import { aggregatedDiscovery, legacyDiscovery, openapiV2, openapiV3Document, openapiV3Index } from '../schema/index.ts'
import { methodNotAllowed, noSuchResource, Refused } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answer } from './exchange.ts'
import { parseAccept } from './negotiate.ts'
import type { ServerContext } from './server-context.ts'

const VERSION = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  gitVersion: 'v1.36.2+signalbox',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`,
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const PROTOBUF_V2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

/** The documents depend on the kinds only: made on first use, kept for the life of the server. */
type Documents = ReturnType<typeof makeDocuments>
const documentsOf = new WeakMap<readonly KindDefinition[], Documents>()

export function serveMeta(context: ServerContext, exchange: Exchange, path: string): void {
  const { method } = exchange.request
  const known = metaAnswer(context, exchange, path)
  if (known === undefined) {
    answer(exchange, { code: 404, type: 'text/plain; charset=utf-8' }, '404 page not found\n')
  } else if (method !== 'GET' && method !== 'HEAD') {
    throw new Refused(methodNotAllowed())
  } else {
    known()
  }
}

function metaAnswer(context: ServerContext, exchange: Exchange, path: string): (() => void) | undefined {
  const health = /^\/(healthz|livez|readyz)(\/[a-z-]+)?$/.exec(path)
  if (health !== null) {
    const ok = health[1] === 'livez' || context.isReady()
    const text = ok ? 'ok' : '[-]not ready\n'
    return () => answer(exchange, { code: ok ? 200 : 500, type: 'text/plain; charset=utf-8' }, text)
  }
  if (path === '/version') return () => answer(exchange, { code: 200 }, JSON.stringify(VERSION, undefined, 2))

  const documents = documentsFor(context)
  if (path === '/api' || path === '/apis') return () => serveRoot(exchange, documents, path)
  if (path === '/openapi/v3') {
    return () => answer(exchange, { code: 200 }, JSON.stringify(documents.openapiIndex()))
  }
  if (path === '/openapi/v2') {
    return () => answer(exchange, { code: 200, type: PROTOBUF_V2 }, documents.openapiV2())
  }
  if (path.startsWith('/openapi/v3/')) {
    const text = documents.openapiDocument(path.slice('/openapi/v3/'.length))
    if (text === undefined) throw new Refused(noSuchResource())
    return () => answer(exchange, { code: 200 }, text)
  }
  const lists = documents.legacy().resourceLists
  const list = Object.hasOwn(lists, path.slice(1)) ? lists[path.slice(1)] : undefined
  if (list !== undefined) return () => answer(exchange, { code: 200 }, JSON.stringify(list))
  const { groups } = documents.legacy()
  const group = path.startsWith('/apis/') && Object.hasOwn(groups, path.slice(6)) ? groups[path.slice(6)] : undefined
  return group === undefined ? undefined : () => answer(exchange, { code: 200 }, JSON.stringify(group))
}

function serveRoot(exchange: Exchange, documents: Documents, path: '/api' | '/apis'): void {
  const root = path === '/api' ? 'api' : 'apis'
  const aggregated = wantsAggregated(exchange.request.headers.accept)
  const { text, etag } = aggregated ? documents.aggregated()[root] : documents.legacyRoot()[root]
  const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' }
  const type = aggregated ? AGGREGATED : 'application/json'
  if (exchange.request.headers['if-none-match'] === etag) {
    exchange.response.writeHead(304, headers).end()
    return
  }
  answer(exchange, { code: 200, type, headers }, text)
}

/** The first entry that can be served decides, so a client that puts plain JSON first gets the legacy list. */
function wantsAggregated(accept: string | undefined): boolean {
  for (const { type, parameters } of parseAccept(accept)) {
    if (parameters.get('as') === undefined) {
      if (type === 'application/json' || type === '*/*' || type === 'application/*') return false
      continue
    }
    if (
      type === 'application/json' &&
      parameters.get('as') === 'APIGroupDiscoveryList' &&
      parameters.get('g') === 'apidiscovery.k8s.io' &&
      parameters.get('v') === 'v2'
    ) {
      return true
    }
  }
  return false
}

function documentsFor(context: ServerContext): Documents {
  const { kinds } = context.registry
  let documents = documentsOf.get(kinds)
  if (documents === undefined) documentsOf.set(kinds, (documents = makeDocuments(kinds, context)))
  return documents
}

function makeDocuments(kinds: readonly KindDefinition[], { extraResources }: ServerContext) {
  const tagged = (body: unknown): { text: string; etag: string } => {
    const text = JSON.stringify(body)
    return { text, etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase()}"` }
  }
  const legacy = once(() => legacyDiscovery(kinds, extraResources))
  const documentTexts = new Map<string, string | undefined>()
  return {
    legacy,
    legacyRoot: once(() => ({ api: tagged(legacy().api), apis: tagged(legacy().apis) })),
    aggregated: once(() => {
      const { api, apis } = aggregatedDiscovery(kinds, extraResources)
      return { api: tagged(api), apis: tagged(apis) }
    }),
    openapiIndex: once(() => openapiV3Index(kinds)),
    openapiV2: once(() => openapiV2(kinds)),
    openapiDocument: (groupVersion: string): string | undefined => {
      if (!documentTexts.has(groupVersion)) {
        const document = openapiV3Document(kinds, groupVersion)
        if (document === undefined) return undefined
        documentTexts.set(groupVersion, JSON.stringify(document))
      }
      return documentTexts.get(groupVersion)
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
