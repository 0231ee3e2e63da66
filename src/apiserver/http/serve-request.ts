/**
 * From request to answer: who asks, what for, may they, do it. Every failure ends here as a Status; what is not a refusal
 * is logged and answered with a plain 500, never with its text.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'

import { messageOf } from '#lib'
import type { ClientCertificate } from '../auth/index.ts'
import { ANONYMOUS, authenticate } from '../auth/index.ts'
import type { Target, User } from '../registry/index.ts'
import { parseFieldSelector, pinnedName } from '../selectors/index.ts'
import { badRequest, failure, internalError, Refused, unauthorized } from '../status/index.ts'
import type { Exchange, Upgrade } from './exchange.ts'
import { answerStatus } from './exchange.ts'
import type { RequestClass } from './limits.ts'
import { flag, readParameters } from './parameters.ts'
import type { ResourceRoute, Route } from './route.ts'
import { routeOf } from './route.ts'
import { serveMeta } from './serve-meta.ts'
import { servePodAction } from './serve-pod-action.ts'
import { servePodLog } from './serve-pod-log.ts'
import { isPodStream, servePodStream } from './serve-pod-stream.ts'
import { serveResource, verbOf } from './serve-resource.ts'
import { isReview, serveReview } from './serve-review.ts'
import type { ServerContext } from './server-context.ts'

export async function serveRequest(
  context: ServerContext,
  call: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly upgrade?: Upgrade },
): Promise<void> {
  const { request, response, upgrade } = call
  const warnings = new Set<string>()
  const visit = openVisit(context, call)
  try {
    const { path, query } = splitTarget(request.url ?? '/')
    const route = routeOf(path)
    if (route === undefined) throw new Refused(badRequest('the path is not valid percent-encoding'))
    visit.route = route
    const { user, actor } = userOf(context, request)
    visit.user = user
    if (actor !== undefined) visit.actor = actor
    const exchange: Exchange = { request, response, user, query, warnings, upgrade }
    if (!isExempt(user, route)) visit.release = context.limits.admit(user.name, classOf(exchange, route))
    checkAccess(context, exchange, { route })
    await dispatch(context, exchange, route)
  } catch (error) {
    if (error instanceof Refused) {
      answerStatus({ response, warnings }, error.status, error.headers)
    } else {
      const facts = { method: request.method, path: (request.url ?? '').split('?', 1)[0], reason: messageOf(error) }
      context.logger.error('request failed', facts)
      answerStatus({ response, warnings }, internalError('the server could not complete the request'))
    }
    if (response.headersSent && !response.writableEnded) response.destroy()
  } finally {
    // A body nobody read would be taken for the next request's head.
    if (!request.complete) request.resume()
  }
}

/** What is known of a request by the time it is over, for the limits and the audit log. */
type Visit = { route?: Route; user?: User; actor?: User; release: () => void }

function openVisit(
  { audit, clock }: ServerContext,
  { request, response, upgrade }: Parameters<typeof serveRequest>[1],
): Visit {
  const visit: Visit = { release: () => undefined }
  const received = clock.now()
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    visit.release()
    const { route, user, actor } = visit
    if (audit === undefined || (route?.type === 'other' && HEALTH.test(route.path))) return
    audit.record({
      uri: request.url ?? '/',
      verb: auditVerb(request, route),
      user: actor ?? user,
      impersonated: actor === undefined ? undefined : user,
      address: request.socket.remoteAddress ?? '',
      userAgent: request.headers['user-agent'] ?? '',
      route,
      // An answered upgrade never gets headers from here.
      code: upgrade !== undefined && !response.headersSent ? 101 : response.statusCode,
      received,
    })
  }
  response.on('close', end)
  upgrade?.socket.on('close', end)
  return visit
}

const HEALTH = /^\/(healthz|livez|readyz)(\/|$)/
const STREAMING = new Set(['log', 'exec', 'attach', 'portforward'])

function auditVerb({ method, url }: IncomingMessage, route: Route | undefined): string {
  if (route?.type !== 'resource') return (method ?? 'GET').toLowerCase()
  return verbOf(method, route, method === 'GET' && flag(splitTarget(url ?? '').query, 'watch') === true)
}

/** Administrators and probes get through whatever the others do, as in upstream's priority levels. */
function isExempt(user: User, route: Route): boolean {
  return user.groups.includes('system:masters') || (route.type === 'other' && HEALTH.test(route.path))
}

function classOf({ request, query }: Exchange, route: Route): RequestClass {
  const { method } = request
  if (route.type === 'resource') {
    if (method === 'GET' && (route.watch || flag(query, 'watch') === true)) return 'long-running'
    if (route.resource === 'pods' && STREAMING.has(route.subresource ?? '')) return 'long-running'
  }
  return method === 'GET' || method === 'HEAD' ? 'reading' : 'mutating'
}

/**
 * The target as it was sent: `.` and `..` are names like others here, as in upstream. Whoever cleans paths may see another
 * object than the one that was authorized.
 */
function splitTarget(target: string): { readonly path: string; readonly query: URLSearchParams } {
  const origin = target.replace(/^https?:\/\/[^/?]*/i, '')
  const mark = origin.indexOf('?')
  if (mark < 0) return { path: origin, query: new URLSearchParams() }
  return { path: origin.slice(0, mark), query: new URLSearchParams(origin.slice(mark + 1)) }
}

async function dispatch(context: ServerContext, exchange: Exchange, route: Route): Promise<void> {
  if (route.type === 'other') return serveMeta(context, exchange, route.path)
  if (isReview(route)) return serveReview(context, exchange, route)
  const target = podTarget(context, route)
  if (target !== undefined) {
    if (route.subresource === 'log') return servePodLog(context, exchange, target)
    if (isPodStream(route.subresource)) {
      // A WebSocket opens with GET, yet starts something: reading rights are not enough (KEP-4006).
      checkAccess(context, exchange, { route, verb: 'create' })
      return servePodStream(context, exchange, { target, action: route.subresource })
    }
    if (route.subresource === 'eviction' || route.subresource === 'binding') {
      return servePodAction(context, exchange, { target, action: route.subresource })
    }
  }
  return isServed(context, route)
    ? serveResource(context, exchange, route)
    : serveMeta(context, exchange, exchange.request.url?.split('?', 1)[0] ?? '')
}

/** A group version that is not served is an unknown path in plain text; inside one, serveResource says so as a Status. */
function isServed({ registry, extraResources }: ServerContext, route: ResourceRoute): boolean {
  const same = ({ group, version }: { readonly group: string; readonly version: string }): boolean =>
    group === route.group && version === route.version
  return registry.kinds.some(({ info }) => same(info)) || extraResources.some(same)
}

function podTarget({ registry }: ServerContext, route: ResourceRoute): Target | undefined {
  const { resource, group, namespace, name } = route
  if (resource !== 'pods' || group !== '' || namespace === undefined || name === undefined) return undefined
  const kind = registry.kinds.find(({ info }) => info.resource === 'pods' && info.group === '')
  return kind === undefined ? undefined : { kind, namespace, name }
}

/** `actor`: who really asks, where another one is impersonated. */
function userOf(context: ServerContext, request: IncomingMessage): { readonly user: User; readonly actor?: User } {
  const { authorization } = request.headers
  const certificate = certificateOf(request)
  const user = authenticate({ authorization, certificate }, context.tokens)
  if (user === undefined) throw new Refused(unauthorized())
  const impersonated = impersonatedBy(context, user, request)
  return impersonated === undefined ? { user } : { user: impersonated, actor: user }
}

const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/

/** Who is impersonated, if somebody is: the right is asked for each name the request takes on (apiserver filters). */
function impersonatedBy(context: ServerContext, user: User, request: IncomingMessage): User | undefined {
  const header = request.headers['impersonate-user']
  if (header === undefined) return undefined
  const name = String(header)
  const groups = String(request.headers['impersonate-group'] ?? '')
    .split(',')
    .map((group) => group.trim())
    .filter((group) => group !== '')
  const account = ACCOUNT.exec(name)
  const who = account === null ? { resource: 'users', name } : { resource: 'serviceaccounts', name: account[2] ?? '' }
  const requests = [
    { ...who, namespace: account?.[1] },
    ...groups.map((group) => ({ resource: 'groups', name: group, namespace: undefined })),
  ]
  for (const one of requests) {
    const { allowed } = context.authorizer.authorize(user, { verb: 'impersonate', group: '', ...one })
    if (allowed) continue
    const scope = scopeText(one.namespace)
    const text = `User "${user.name}" cannot impersonate resource "${one.resource}" in API group "" ${scope}`
    throw new Refused(forbidden(`${one.resource} "${one.name}" is forbidden: ${text}`))
  }
  const own = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`]
  const known = name === ANONYMOUS.name ? ANONYMOUS.groups : ['system:authenticated']
  return { name, groups: [...new Set([...groups, ...(groups.length === 0 ? own : []), ...known])] }
}

function certificateOf(request: IncomingMessage): ClientCertificate | undefined {
  const socket = request.socket as TLSSocket
  if (typeof socket.getPeerCertificate !== 'function') return undefined
  const { subject } = socket.getPeerCertificate()
  if (subject === undefined) return undefined
  const organizations = subject.O === undefined ? [] : [subject.O].flat()
  return { verified: socket.authorized, commonName: [subject.CN].flat()[0] ?? '', organizations }
}

function checkAccess(
  { authorizer }: ServerContext,
  { user, request, query }: Exchange,
  { route, verb: given }: { readonly route: Route; readonly verb?: string },
): void {
  const { method } = request
  if (route.type === 'other') {
    const verb = (method ?? 'GET').toLowerCase()
    if (authorizer.authorizePath(user, { verb, path: route.path }).allowed) return
    throw new Refused(forbidden(`forbidden: User "${user.name}" cannot ${verb} path "${route.path}"`))
  }
  const { group, resource, subresource } = route
  const verb = given ?? verbOf(method, route, method === 'GET' && readParameters(query).watch)
  const full = subresource === undefined ? resource : `${resource}/${subresource}`
  const name = route.name ?? (COLLECTION_VERBS.has(verb) ? selectedName(query) : undefined)
  // A namespace is inside itself, so that a role there can cover it (endpoints/request/requestinfo.go).
  const namespace = group === '' && resource === 'namespaces' ? route.name : route.namespace
  if (authorizer.authorize(user, { verb, group, resource: full, namespace, name }).allowed) return
  const subject = group === '' ? resource : `${resource}.${group}`
  const text = `User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${scopeText(namespace)}`
  const message = `${subject}${name === undefined ? '' : ` "${name}"`} is forbidden: ${text}`
  throw new Refused(
    forbidden(message, { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource }),
  )
}

const COLLECTION_VERBS = new Set(['list', 'watch', 'deletecollection'])

/** The one object that a field selector lets through, which a rule with `resourceNames` may cover. */
function selectedName(query: URLSearchParams): string | undefined {
  const parsed = parseFieldSelector(query.get('fieldSelector') ?? '')
  return 'selector' in parsed ? pinnedName(parsed.selector) : undefined
}

function scopeText(namespace: string | undefined): string {
  return namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
}

function forbidden(
  message: string,
  details: { name?: string; group?: string; kind?: string } = {},
): ReturnType<typeof failure> {
  return failure({ code: 403, reason: 'Forbidden', message, details })
}
