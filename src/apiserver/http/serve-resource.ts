/** Requests on stored resources: which verb, checked parameters, the verb, its answer in the wanted form. */
import type { KubeObject, Status } from '#api'
import type { FieldValidation } from '../codec/index.ts'
import { decodeBody, decodeDeleteOptions } from '../codec/index.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { Answer, DeleteOptions, ListRequest, Subresource, Target, WatchRequest } from '../registry/index.ts'
import {
  createObject,
  deleteNow,
  deleteObject,
  deletionAnswer,
  getObject,
  headOf,
  listObjects,
  patchObject,
  updateObject,
  waitForRevision,
} from '../registry/index.ts'
import { failure, methodNotAllowed, noSuchResource, Refused } from '../status/index.ts'
import type { Encoding } from './encode.ts'
import { encodeList, encodeObject, encodeValue, encodingOf } from './encode.ts'
import type { Exchange } from './exchange.ts'
import { answer } from './exchange.ts'
import { chooseForm, notAcceptableText } from './negotiate.ts'
import { flag, integer, readParameters, writeParameters } from './parameters.ts'
import { decodePatch, patchKindOf } from './patch-body.ts'
import { readBody } from './read-body.ts'
import { serveApply } from './serve-apply.ts'
import type { ResourceRoute } from './route.ts'
import { serveScale } from './serve-scale.ts'
import type { ServerContext } from './server-context.ts'
import { streamWatch } from './stream-watch.ts'
import { writeOptions } from './write-options.ts'

type Call = {
  readonly context: ServerContext
  readonly exchange: Exchange
  readonly route: ResourceRoute
  readonly kind: KindDefinition
  readonly encoding: Encoding
}

export async function serveResource(context: ServerContext, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const kind = context.registry.kinds.find(
    ({ info }) => info.resource === route.resource && info.group === route.group && info.version === route.version,
  )
  if (kind === undefined) throw new Refused(noSuchResource())
  const form = chooseForm(exchange.request.headers.accept)
  if (form === undefined) {
    throw new Refused(failure({ code: 406, reason: 'NotAcceptable', message: notAcceptableText(), details: {} }))
  }
  if (kind.deprecationWarning !== undefined) exchange.warnings.add(kind.deprecationWarning)
  const encoding = encodingOf(form, exchange.query, context.clock.now())
  const call: Call = { context, exchange, route, kind, encoding }
  if (route.name === undefined || route.watch) return serveCollection(call)
  const target = { kind, namespace: route.namespace, name: route.name }
  if (route.subresource === 'scale' && kind.scale !== undefined) return serveScale(context, exchange, target)
  return serveObject(call, target)
}

async function serveCollection(call: Call): Promise<void> {
  const { context, exchange, route, kind, encoding } = call
  const { registry } = context
  const { namespace } = route
  switch (exchange.request.method) {
    case 'GET': {
      const parameters = readParameters(exchange.query)
      if (parameters.watch || route.watch) {
        const request = { ...parameters, kind, namespace, name: route.name }
        await waitForStart(context, request)
        streamWatch(exchange, { registry, request, open: context.openWatches }, encoding)
        return
      }
      const encoded = encodeList(kind, await listObjects(registry, { ...parameters, kind, namespace }), encoding)
      answer(exchange, { code: 200, type: encoded.type }, encoded.text)
      return
    }
    case 'POST': {
      if (kind.info.namespaced && namespace === undefined) throw new Refused(methodNotAllowed())
      const parameters = writeParameters(exchange.query, 'CreateOptions')
      const object = await decodedBody(call, parameters.fieldValidation)
      const options = writeOptions(exchange, parameters.dryRun)
      const made = await createObject(registry, { kind, namespace, object, options })
      sendObject(call, 201, made)
      return
    }
    case 'DELETE':
      return deleteCollection(call)
    case undefined:
    default:
      throw new Refused(methodNotAllowed())
  }
}

/** A streamed list may not begin with a state older than what was asked for, as a list may not (KEP-3157). */
async function waitForStart({ registry }: ServerContext, request: WatchRequest): Promise<void> {
  const { sendInitialEvents, resourceVersion } = request
  if (sendInitialEvents !== true || !/^[1-9]\d{0,15}$/.test(resourceVersion)) return
  await waitForRevision(registry.store, registry.clock, Number(resourceVersion))
}

async function serveObject(call: Call, target: Target): Promise<void> {
  const { context, exchange, route, kind } = call
  const { registry } = context
  const subresource = subresourceOf(kind, route.subresource)
  switch (exchange.request.method) {
    case 'GET': {
      const parameters = readParameters(exchange.query)
      if (parameters.watch) {
        const request = { ...parameters, ...target }
        await waitForStart(context, request)
        streamWatch(exchange, { registry, request, open: context.openWatches }, call.encoding)
        return
      }
      sendObject(call, 200, await getObject(registry, target, parameters.resourceVersion))
      return
    }
    case 'PUT': {
      const parameters = writeParameters(exchange.query, 'UpdateOptions')
      const object = await decodedBody(call, parameters.fieldValidation)
      const { answer: updated, created } = await updateObject(registry, {
        ...target,
        subresource,
        options: writeOptions(exchange, parameters.dryRun),
        mayCreate: kind.createOnUpdate,
        change: () => object,
      })
      sendObject(call, created ? 201 : 200, updated)
      return
    }
    case 'PATCH': {
      const patchKind = patchKindOf(exchange.request.headers['content-type'])
      if (patchKind === 'apply') {
        const { answer: applied, created } = await serveApply(context, exchange, { ...target, subresource })
        sendObject(call, created ? 201 : 200, applied)
        return
      }
      const parameters = writeParameters(exchange.query, 'PatchOptions')
      const patch = decodePatch(await readBody(exchange.request))
      const { answer: updated } = await patchObject(registry, {
        ...target,
        subresource,
        options: writeOptions(exchange, parameters.dryRun),
        patchKind,
        patch,
        fieldValidation: parameters.fieldValidation,
      })
      sendObject(call, 200, updated)
      return
    }
    case 'DELETE': {
      if (subresource !== undefined) throw new Refused(methodNotAllowed())
      const { deletion, dryRun } = await deletionOf(exchange)
      const request = { ...target, deletion, options: writeOptions(exchange, dryRun) }
      sendAny(call, deletionAnswer(target, await deleteObject(registry, request)))
      return
    }
    case undefined:
    default:
      throw new Refused(methodNotAllowed())
  }
}

function subresourceOf(kind: KindDefinition, name: string | undefined): Subresource | undefined {
  if (name === undefined) return undefined
  if (name === 'status' && kind.hasStatus) return 'status'
  if (name === 'finalize' && kind.info.kind === 'Namespace' && kind.info.group === '') return 'finalize'
  throw new Refused(noSuchResource())
}

/** All matching objects, each as a DELETE of its own; the answer lists what was found (api-server.md 8). */
async function deleteCollection(call: Call): Promise<void> {
  const { context, exchange, route, kind, encoding } = call
  const { registry } = context
  const isNamespace = kind.info.group === '' && kind.info.kind === 'Namespace'
  // All namespaces at once is what upstream has no verb for.
  if (isNamespace || (kind.info.namespaced && route.namespace === undefined)) throw new Refused(methodNotAllowed())
  const { deletion, dryRun } = await deletionOf(exchange)
  const parameters = readParameters(exchange.query)
  const request: ListRequest = { ...parameters, kind, namespace: route.namespace }
  const list = await listObjects(registry, request)
  const options = writeOptions(exchange, dryRun)
  const commits = list.items.flatMap(({ object }) => {
    const target = { kind, namespace: object.metadata.namespace, name: object.metadata.name }
    // Somebody else may have deleted it in this very tick; then it is gone, which is what was asked for.
    if (headOf(registry, target) === undefined) return []
    return [deleteNow(registry, { ...target, deletion, options }).committed]
  })
  await Promise.all(commits)
  const encoded = encodeList(kind, list, encoding)
  answer(exchange, { code: 200, type: encoded.type }, encoded.text)
}

export async function deletionOf(exchange: Exchange): Promise<{ deletion: DeleteOptions; dryRun: boolean }> {
  const { query } = exchange
  const body = await readBody(exchange.request)
  const contentType = exchange.request.headers['content-type'] ?? 'application/json'
  let fromBody: DeleteOptions & { readonly dryRun?: readonly string[] } = {}
  if (body.byteLength > 0) {
    const decoded = decodeDeleteOptions({ body, contentType })
    if ('refusal' in decoded) throw new Refused(failure(decoded.refusal))
    fromBody = decoded.options
  }
  const { dryRun: bodyDryRun = [], ...options } = fromBody
  const dryRunQuery = new URLSearchParams(query)
  for (const value of bodyDryRun) dryRunQuery.append('dryRun', value)
  const grace = integer(query, 'gracePeriodSeconds')
  const policy = query.get('propagationPolicy')
  const orphan = flag(query, 'orphanDependents')
  return {
    dryRun: writeParameters(dryRunQuery, 'DeleteOptions').dryRun,
    deletion: {
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
      ...(policy === null || policy === '' ? {} : { propagationPolicy: policy }),
      ...(orphan === undefined ? {} : { orphanDependents: orphan }),
      ...options,
    },
  }
}

async function decodedBody(call: Call, fieldValidation: FieldValidation): Promise<KubeObject> {
  const { exchange, kind } = call
  const body = await readBody(exchange.request)
  const contentType = exchange.request.headers['content-type'] ?? 'application/json'
  const decoded = decodeBody({ body, contentType, kind, fieldValidation })
  if ('refusal' in decoded) throw new Refused(failure(decoded.refusal))
  for (const warning of decoded.warnings) exchange.warnings.add(warning)
  return decoded.object
}

function sendObject(call: Call, code: number, made: Answer): void {
  const encoded = encodeObject(call.kind, made, call.encoding)
  answer(call.exchange, { code, type: encoded.type }, encoded.text)
}

function sendAny(call: Call, body: Answer | Status): void {
  if ('json' in body) return sendObject(call, 200, body)
  const { form, pretty } = call.encoding
  const encoded = encodeValue(body, { form: form.type === 'yaml' ? form : { type: 'json' }, pretty })
  answer(call.exchange, { code: 200, type: encoded.type }, encoded.text)
}

/** `GET` of a resource is `get` with a name, `list` or `watch` without. */
export function verbOf(method: string | undefined, route: ResourceRoute, watch: boolean): string {
  switch (method) {
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return route.name === undefined ? 'deletecollection' : 'delete'
    case undefined:
    default:
      return watch || route.watch ? 'watch' : route.name === undefined ? 'list' : 'get'
  }
}
