/**
 * From request to answer: who asks, what for, may they, do it. Every failure ends here as a Status; what is not a refusal
 * is logged and answered with a plain 500, never with its text.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'

import { messageOf } from '#lib'
import type { ClientCertificate } from '../auth/index.ts'
import { authenticate, authorize, authorizePath } from '../auth/index.ts'
import type { Target, User } from '../registry/index.ts'
import { badRequest, failure, internalError, Refused, unauthorized } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answerStatus } from './exchange.ts'
import { readParameters } from './parameters.ts'
import type { ResourceRoute, Route } from './route.ts'
import { routeOf } from './route.ts'
import { serveMeta } from './serve-meta.ts'
import { servePodAction } from './serve-pod-action.ts'
import { servePodLog } from './serve-pod-log.ts'
import { serveResource, verbOf } from './serve-resource.ts'
import { isReview, serveReview } from './serve-review.ts'
import type { ServerContext } from './server-context.ts'

export async function serveRequest(
  context: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const warnings = new Set<string>()
  try {
    const url = new URL(`https://server${(request.url ?? '/').replace(/^\/+/, '/')}`)
    const user = userOf(context, request)
    const exchange: Exchange = { request, response, user, query: url.searchParams, warnings }
    const route = routeOf(url.pathname)
    if (route === undefined) throw new Refused(badRequest('the path is not valid percent-encoding'))
    checkAccess(user, exchange, route)
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

async function dispatch(context: ServerContext, exchange: Exchange, route: Route): Promise<void> {
  if (route.type === 'other') return serveMeta(context, exchange, route.path)
  if (isReview(route)) return serveReview(context, exchange, route)
  const target = podTarget(context, route)
  if (target !== undefined) {
    if (route.subresource === 'log') return servePodLog(context, exchange, target)
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

function userOf(context: ServerContext, request: IncomingMessage): User {
  const { authorization } = request.headers
  const certificate = certificateOf(request)
  const user = authenticate({ authorization, certificate }, context.tokens)
  if (user === undefined) throw new Refused(unauthorized())
  const impersonated = request.headers['impersonate-user']
  if (impersonated === undefined) return user
  if (!user.groups.includes('system:masters')) {
    const text = `User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`
    throw new Refused(forbidden(`users "${String(impersonated)}" is forbidden: ${text}`))
  }
  const groups = String(request.headers['impersonate-group'] ?? '').split(',')
  const named = groups.map((group) => group.trim()).filter((group) => group !== '')
  return { name: String(impersonated), groups: [...named, 'system:authenticated'] }
}

function certificateOf(request: IncomingMessage): ClientCertificate | undefined {
  const socket = request.socket as TLSSocket
  if (typeof socket.getPeerCertificate !== 'function') return undefined
  const { subject } = socket.getPeerCertificate()
  if (subject === undefined) return undefined
  const organizations = subject.O === undefined ? [] : [subject.O].flat()
  return { verified: socket.authorized, commonName: [subject.CN].flat()[0] ?? '', organizations }
}

function checkAccess(user: User, exchange: Exchange, route: Route): void {
  const { method } = exchange.request
  if (route.type === 'other') {
    if (authorizePath(user, route.path)) return
    const verb = (method ?? 'GET').toLowerCase()
    throw new Refused(forbidden(`forbidden: User "${user.name}" cannot ${verb} path "${route.path}"`))
  }
  const { group, resource, subresource, namespace, name } = route
  const verb = verbOf(method, route, method === 'GET' && readParameters(exchange.query).watch)
  const full = subresource === undefined ? resource : `${resource}/${subresource}`
  if (authorize(user, { verb, group, resource: full, namespace, name })) return
  const subject = group === '' ? resource : `${resource}.${group}`
  const scope = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const text = `User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}`
  const message = `${subject}${name === undefined ? '' : ` "${name}"`} is forbidden: ${text}`
  throw new Refused(
    forbidden(message, { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource }),
  )
}

function forbidden(
  message: string,
  details: { name?: string; group?: string; kind?: string } = {},
): ReturnType<typeof failure> {
  return failure({ code: 403, reason: 'Forbidden', message, details })
}
