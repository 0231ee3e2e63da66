/**
 * Requests that a careful server must survive: each is generated from a valid one by breaking it in one of the ways in which
 * bodies, paths, queries and headers can be broken. `allowed` says which answers are right for the way it is broken; where
 * the damage may have left the request valid, success is right too.
 */
import { gzipSync } from 'node:zlib'

import fc from 'fast-check'

export type FuzzRequest = {
  readonly way: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly allowed: (code: number) => boolean
}

type Sample = { readonly path: string; readonly object: Readonly<Record<string, unknown>> }

const NS = '/api/v1/namespaces/fuzz'
const JSON_TYPE = 'application/json'
const metadata = { name: 'x', labels: { app: 'a' }, annotations: { note: 'n' } }

export const SAMPLES: readonly Sample[] = [
  {
    path: `${NS}/services`,
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'ClusterIP',
        selector: { app: 'a' },
        ports: [{ name: 'p', port: 80, targetPort: 'http', protocol: 'TCP' }],
      },
    },
  },
  { path: `${NS}/configmaps`, object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' } } },
  {
    path: `${NS}/secrets`,
    object: { apiVersion: 'v1', kind: 'Secret', metadata, data: { a: 'Yg==' }, type: 'Opaque' },
  },
  {
    path: `${NS}/pods`,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: {
        containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }], env: [{ name: 'A', value: 'b' }] }],
      },
    },
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/fuzz/endpointslices',
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true }, zone: 'z' }],
      ports: [{ name: 'p', port: 80, protocol: 'TCP' }],
    },
  },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/fuzz/leases',
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata,
      spec: { holderIdentity: 'h', leaseDurationSeconds: 9 },
    },
  },
  {
    path: '/api/v1/nodes',
    object: { apiVersion: 'v1', kind: 'Node', metadata, spec: { podCIDRs: ['10.244.9.0/24'] } },
  },
  {
    path: `${NS}/events`,
    object: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata,
      involvedObject: { kind: 'Pod', namespace: 'fuzz', name: 'x' },
      reason: 'R',
      type: 'Normal',
    },
  },
]

const success = (code: number): boolean => code === 200 || code === 201
const client = (code: number): boolean => code >= 400 && code < 500
const either = (code: number): boolean => success(code) || client(code)
/**
 * Upstream does not classify some errors of patches and answers 500 to them: objects applied that do not fit the schema
 * (api-server.md 10.3), and directives that are not known (strategicpatch).
 */
const unclassified = (code: number): boolean => either(code) || code === 500
const bytes = (text: string): Uint8Array => Buffer.from(text)
const clone = (value: unknown): unknown => structuredClone(value)

const sample = fc.constantFrom(...SAMPLES)
const name = fc.oneof(
  fc.constantFrom('x', 'y', 'X', 'a_b', '-a', 'a'.repeat(254), '', '__proto__', 'constructor'),
  fc.string({ maxLength: 12 }),
)
/** Where a body may go: to be created, to replace, or for a dry run of either. */
const writing = fc.record({ sample, dryRun: fc.boolean(), replace: fc.boolean() })
type Writing = { readonly sample: Sample; readonly dryRun: boolean; readonly replace: boolean }

function write(way: string, to: Writing, rest: Partial<FuzzRequest> & { readonly body: Uint8Array }): FuzzRequest {
  const path = `${to.sample.path}${to.replace ? '/x' : ''}${to.dryRun ? '?dryRun=All' : ''}`
  return {
    way,
    method: to.replace ? 'PUT' : 'POST',
    path,
    headers: { 'Content-Type': JSON_TYPE },
    allowed: either,
    ...rest,
  }
}

/** Every place in a value, as the path to it. */
function placesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, member]) => placesOf(member, [...path, key]))]
}

function replaceAt(value: unknown, path: readonly string[], next: unknown): unknown {
  if (path.length === 0) return next
  const copy = clone(value) as Record<string, unknown>
  let node = copy
  for (const key of path.slice(0, -1)) node = node[key] as Record<string, unknown>
  node[path.at(-1) as string] = next
  return copy
}

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, -1, 1e308, 2 ** 53, 0.5, '', '\u0000', 'a'.repeat(300), [], {}, [[]], { a: { b: {} } }, true),
  fc.constantFrom('10.96.0.300', '::ffff:1.2.3.4', '0x10', '99999', 'UDP', 'None', '2026-13-01T00:00:00Z'),
)

const wrongValue = fc.record({ to: writing, at: fc.nat(), value: odd }).map(({ to, at, value }) => {
  const places = placesOf(to.sample.object)
  const body = replaceAt(to.sample.object, places[at % places.length] as readonly string[], value)
  return write('a value of the wrong type or range', to, { body: bytes(JSON.stringify(body)) })
})

const unknownField = fc
  .record({ to: writing, at: fc.nat(), key: fc.string({ minLength: 1, maxLength: 8 }) })
  .map(({ to, at, key }) => {
    const inside = placesOf(to.sample.object).filter((path) => !/labels|annotations|data|selector/.test(path.join('.')))
    const path = inside[at % inside.length] as readonly string[]
    const member = path.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], to.sample.object)
    const isObject = typeof member === 'object' && member !== null && !Array.isArray(member)
    const body = isObject
      ? replaceAt(to.sample.object, [...path, `zz${key}`], 1)
      : { ...to.sample.object, [`zz${key}`]: 1 }
    const request = write('an unknown field under Strict', to, {
      body: bytes(JSON.stringify(body)),
      allowed: (code) => code === 400,
    })
    return { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}fieldValidation=Strict` }
  })

/** The text with some characters changed, left out or put in. */
const damagedText = fc
  .record({
    to: writing,
    edits: fc.array(
      fc.record({
        at: fc.nat(),
        kind: fc.nat(2),
        by: fc.constantFrom(
          '{',
          '}',
          '[',
          ']',
          ',',
          ':',
          '"',
          '\\',
          '0',
          'e',
          '-',
          '+',
          '.',
          ' ',
          '\n',
          '\u0000',
          '\u2028',
        ),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    yaml: fc.boolean(),
  })
  .map(({ to, edits, yaml }) => {
    let text = JSON.stringify(to.sample.object)
    for (const { at, kind, by } of edits) {
      const i = at % text.length
      text = `${text.slice(0, i)}${kind === 0 ? '' : by}${text.slice(kind === 1 ? i : i + 1)}`
    }
    const headers = { 'Content-Type': yaml ? 'application/yaml' : JSON_TYPE }
    return write('damaged JSON or YAML', to, { body: bytes(text), headers })
  })

const cutText = fc.record({ to: writing, at: fc.nat() }).map(({ to, at }) => {
  const text = JSON.stringify(to.sample.object)
  return write('JSON that ends too soon', to, {
    body: bytes(text.slice(0, at % text.length)),
    // The body may be gone altogether; an object without a type is still none.
    allowed: client,
  })
})

const badUtf8 = fc
  .record({ to: writing, at: fc.nat(), bad: fc.uint8Array({ minLength: 1, maxLength: 4 }) })
  .map(({ to, at, bad }) => {
    const body = Buffer.from(JSON.stringify(to.sample.object))
    const i = at % body.length
    return write('bytes that are no UTF-8', to, {
      body: Buffer.concat([body.subarray(0, i), bad.map((byte) => byte | 0x80), body.subarray(i)]),
    })
  })

const noise = fc
  .record({
    to: writing,
    body: fc.uint8Array({ maxLength: 80 }),
    type: fc.constantFrom(JSON_TYPE, 'application/yaml', 'application/vnd.kubernetes.protobuf'),
  })
  .map(({ to, body, type }) => write('noise', to, { body, headers: { 'Content-Type': type } }))

const anyJson = fc
  .record({ to: writing, value: fc.json({ maxDepth: 3 }) })
  .map(({ to, value }) => write('some other JSON', to, { body: bytes(value) }))

const mediaType = fc
  .record({
    to: writing,
    type: fc.oneof(
      fc.constantFrom('text/plain', 'application/cbor', 'application/xml', 'json', '*/*'),
      fc.string({ maxLength: 10 }).map((text) => `application/z${text.replaceAll(/[^a-z]/g, '')}`),
    ),
  })
  .map(({ to, type }) =>
    write('a body of an unknown media type', to, {
      body: bytes('{}'),
      headers: { 'Content-Type': type },
      allowed: (code) => code === 415 || code === 400,
    }),
  )

/** `k8s\0` and a runtime.Unknown with a valid type, and anything as the object. */
const protobuf = fc
  .record({ to: writing, raw: fc.uint8Array({ maxLength: 60 }), tail: fc.uint8Array({ maxLength: 6 }) })
  .map(({ to, raw, tail }) => {
    const field = (number: number, data: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([(number << 3) | 2, data.length]), data])
    const { apiVersion, kind } = to.sample.object as { apiVersion: string; kind: string }
    const type = Buffer.concat([field(1, bytes(apiVersion)), field(2, bytes(kind))])
    const body = Buffer.concat([bytes('k8s\0'), field(1, type), field(2, raw), tail])
    return write('protobuf with a damaged object', to, {
      body,
      headers: { 'Content-Type': 'application/vnd.kubernetes.protobuf' },
    })
  })

const encoded = fc
  .record({ to: writing, encoding: fc.constantFrom('gzip', 'br', 'deflate', 'gzip, gzip', 'x'), packed: fc.boolean() })
  .map(({ to, encoding, packed }) => {
    const plain = bytes(JSON.stringify(to.sample.object))
    const body = packed ? gzipSync(plain) : plain
    const headers = { 'Content-Type': JSON_TYPE, 'Content-Encoding': encoding }
    const isRight = packed && encoding === 'gzip'
    return write('a content encoding that is not', to, { body, headers, allowed: isRight ? either : client })
  })

const operation = fc.record(
  {
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'other', 1),
    path: fc.oneof(
      fc.constantFrom(
        '/metadata/name',
        '/metadata/labels/app',
        '/spec/ports/0',
        '/spec/ports/-',
        '/spec/ports/99',
        '',
        '/',
        '/metadata/managedFields',
        '/metadata/finalizers',
        '/__proto__/x',
        '/constructor/prototype/x',
        '/metadata/uid',
        '/kind',
        '/metadata',
      ),
      fc.string({ maxLength: 10 }),
    ),
    from: fc.constantFrom('/metadata', '/spec', '/nope', ''),
    value: odd,
  },
  { requiredKeys: ['op'] },
)
const directive = fc.dictionary(
  fc.constantFrom(
    'metadata',
    'spec',
    '$patch',
    '$retainKeys',
    '$setElementOrder/ports',
    '$deleteFromPrimitiveList/finalizers',
    'status',
    'data',
    '__proto__',
  ),
  fc.oneof(
    odd,
    fc.dictionary(
      fc.constantFrom('ports', 'labels', 'finalizers', '$patch', '$setElementOrder/ports', 'containers'),
      odd,
      { maxKeys: 3 },
    ),
  ),
  { maxKeys: 4 },
)
const patch = fc
  .record({
    sample,
    status: fc.boolean(),
    content: fc.oneof(
      fc.array(operation, { maxLength: 4 }).map((value) => ({ type: 'application/json-patch+json', value })),
      directive.map((value) => ({ type: 'application/strategic-merge-patch+json', value })),
      directive.map((value) => ({ type: 'application/merge-patch+json', value })),
      odd.map((value) => ({ type: 'application/merge-patch+json', value })),
      directive.map((value) => ({ type: 'application/apply-patch+yaml', value })),
      odd.map((value) => ({ type: 'application/apply-patch+yaml', value })),
    ),
    query: fc.constantFrom(
      '',
      '?fieldManager=f',
      '?fieldManager=f&force=true',
      '?fieldValidation=Strict',
      '?dryRun=All&fieldManager=g',
    ),
  })
  .map(({ sample: { path }, status, content, query }): FuzzRequest => ({
    way: `a patch of the kind ${content.type}`,
    method: 'PATCH',
    path: `${path}/x${status ? '/status' : ''}${query}`,
    headers: { 'Content-Type': content.type },
    body: bytes(JSON.stringify(content.value) ?? 'null'),
    allowed: /apply|strategic/.test(content.type) ? unclassified : either,
  }))

const QUERY_NAMES = [
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'includeObject',
  'pretty',
  'dryRun',
  'fieldManager',
  'fieldValidation',
  'propagationPolicy',
  'gracePeriodSeconds',
  'timeout',
  'as',
  '',
]
const queryValue = fc.oneof(
  fc.constantFrom(
    '0',
    '-1',
    '1',
    'abc',
    '1e3',
    '0x1',
    'true',
    'false',
    'All',
    'Exact',
    'NotOlderThan',
    'a=b',
    'a in (b,c)',
    'a in (',
    '!a',
    'a==b==c',
    'metadata.name=x',
    'spec.nodeName=',
    'nope=1',
    'metadata.name!=x,metadata.namespace=fuzz',
    'eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYSJ9',
    'eyJ2IjoxfQ',
    'Strict',
    'Orphan',
    '%',
    '\u0000',
  ),
  fc.string({ maxLength: 12 }),
)
const query = fc
  .record({
    sample,
    one: fc.boolean(),
    pairs: fc.array(fc.tuple(fc.constantFrom(...QUERY_NAMES), queryValue), { minLength: 1, maxLength: 3 }),
  })
  .map(({ sample: { path }, one, pairs }): FuzzRequest => {
    const text = pairs
      .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value.toWellFormed())}`)
      .join('&')
    // A revision of the future is waited for and answered with 504; what is asked for here is not that far ahead.
    return {
      way: 'a query that makes no sense',
      method: 'GET',
      path: `${path}${one ? '/x' : ''}?${text}`,
      headers: {},
      body: undefined,
      allowed: (code) => either(code) || code === 410 || code === 504,
    }
  })

const segment = fc.oneof(
  fc.constantFrom(
    'api',
    'apis',
    'v1',
    'namespaces',
    'fuzz',
    'services',
    'pods',
    'x',
    'status',
    'watch',
    'log',
    'exec',
    '..',
    '.',
    '%2e%2e',
    '%2F',
    '%00',
    '%',
    '%zz',
    '%c0%ae',
    '%ff',
    '',
    '*',
    '~',
    ';a=b',
    'openapi',
    'v3',
    'healthz',
    '__proto__',
    'constructor',
    'metrics',
    'debug',
  ),
  fc.string({ maxLength: 6 }).map((text) => encodeURIComponent(text.toWellFormed())),
)
const path = fc
  .record({
    segments: fc.array(segment, { maxLength: 9 }),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND'),
    inside: fc.boolean(),
  })
  .map(({ segments, method, inside }): FuzzRequest => ({
    way: 'a path that leads nowhere',
    // The namespace that all this happens in must stay.
    method: method === 'DELETE' && !segments.some((one) => /^(services|pods)$/.test(one)) ? 'GET' : method,
    path: `${inside ? NS : ''}/${segments.join('/')}`,
    headers: method === 'PATCH' ? { 'Content-Type': 'application/merge-patch+json' } : {},
    body: method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? undefined : bytes('{}'),
    // A pod's log may be asked of a pod without a node, a node without an address.
    allowed: either,
  }))

const headerText = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, 'x'))
const headers = fc
  .record({
    sample,
    named: fc.dictionary(
      fc.constantFrom(
        'Accept',
        'If-None-Match',
        'Impersonate-User',
        'Impersonate-Group',
        'User-Agent',
        'X-Forwarded-For',
        'Range',
        'Expect',
        'Accept-Encoding',
        'Cookie',
        'Origin',
        'Sec-WebSocket-Protocol',
      ),
      fc.oneof(
        headerText,
        fc.constantFrom(
          'application/json;as=Table;v=v9;g=meta.k8s.io',
          'application/json;q=abc',
          ';;;',
          ',',
          '*/*;q=0',
          'application/vnd.kubernetes.protobuf',
          'text/html',
        ),
      ),
      { minKeys: 1, maxKeys: 4 },
    ),
  })
  .map(({ sample: at, named }): FuzzRequest => ({
    way: 'header fields that make no sense',
    method: 'GET',
    path: at.path,
    headers: named,
    body: undefined,
    allowed: either,
  }))

const credentials = fc
  .record({
    sample,
    authorization: fc.oneof(
      headerText.map((text) => `Bearer ${text}`),
      headerText.map((text) => `Basic ${text}`),
      headerText,
    ),
  })
  .map(({ sample: at, authorization }): FuzzRequest => ({
    way: 'credentials that are none',
    method: 'GET',
    path: at.path,
    headers: { Authorization: authorization },
    body: undefined,
    allowed: (code) => code === 401 || code === 403,
  }))

const deletion = fc
  .record({
    sample,
    target: name,
    options: fc.oneof(
      odd,
      fc.dictionary(
        fc.constantFrom(
          'propagationPolicy',
          'gracePeriodSeconds',
          'preconditions',
          'dryRun',
          'orphanDependents',
          'kind',
          'apiVersion',
        ),
        odd,
        { maxKeys: 3 },
      ),
    ),
  })
  .map(({ sample: { path: at }, target, options }): FuzzRequest => ({
    way: 'odd options of a deletion',
    method: 'DELETE',
    path: `${at}/${encodeURIComponent(target.toWellFormed())}`,
    headers: { 'Content-Type': JSON_TYPE },
    body: bytes(JSON.stringify(options) ?? ''),
    allowed: either,
  }))

const named = fc.record({ sample, name, generate: fc.boolean() }).map(({ sample: at, name: text, generate }) => {
  const meta = generate ? { generateName: text } : { name: text }
  const body = bytes(JSON.stringify({ ...at.object, metadata: meta }))
  return write('an odd name', { sample: at, dryRun: true, replace: false }, { body })
})

/** All ways, as often as each is worth. */
export const fuzzRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { arbitrary: wrongValue, weight: 6 },
  { arbitrary: unknownField, weight: 2 },
  { arbitrary: damagedText, weight: 4 },
  { arbitrary: cutText, weight: 1 },
  { arbitrary: badUtf8, weight: 2 },
  { arbitrary: noise, weight: 1 },
  { arbitrary: anyJson, weight: 1 },
  { arbitrary: mediaType, weight: 1 },
  { arbitrary: protobuf, weight: 3 },
  { arbitrary: encoded, weight: 1 },
  { arbitrary: patch, weight: 6 },
  { arbitrary: query, weight: 5 },
  { arbitrary: path, weight: 4 },
  { arbitrary: headers, weight: 2 },
  { arbitrary: credentials, weight: 1 },
  { arbitrary: deletion, weight: 2 },
  { arbitrary: named, weight: 1 },
)
