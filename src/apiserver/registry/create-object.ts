/**
 * POST: from a decoded body to a stored object. Order as in apiserver registry/generic/registry/store.go Create: defaults,
 * the kind's preparation, validation, allocation, storage; all in one turn of the event loop.
 */
import { randomUUID } from 'node:crypto'

import type { KubeObject, ObjectMeta } from '#api'
import { apiVersionOf } from '#api'
import type { KindDefinition, WriteContext } from '../kinds/kind.ts'
import { alreadyExists, badRequest, failure, Refused } from '../status/index.ts'
import type { StoredObject } from '../storage/index.ts'
import { admit, refuseInvalid, stageAdmitted } from './admit.ts'
import { GENERATE_ATTEMPTS, generateName } from './generate-name.ts'
import { trackCreate } from './managed-fields.ts'
import { namespaceRefusal } from './namespace-lifecycle.ts'
import type { Answer, Registry, WriteOptions } from './registry.ts'
import { contextOf, headOf, keyOf, storageName, unstored } from './registry.ts'

export type CreateRequest = {
  readonly kind: KindDefinition
  /** Of the path. */
  readonly namespace: string | undefined
  readonly object: KubeObject
  readonly options: WriteOptions
  /** Server-side apply: the object says itself who owns what. */
  readonly isApply?: boolean
}

export async function createObject(registry: Registry, request: CreateRequest): Promise<Answer> {
  const { answer, committed } = createNow(registry, request)
  await committed
  return answer
}

/** The synchronous part: when it returns, the object is staged. Throws `Refused`. */
export function createNow(
  registry: Registry,
  request: CreateRequest,
): { readonly answer: Answer | StoredObject; readonly committed: Promise<void> } {
  const { kind, namespace, options } = request
  const context = contextOf(registry, options)
  checkIdentity(request)
  const named = withName(registry, request)
  const { name } = named.metadata
  const target = { kind, namespace, name: name ?? '' }
  const refusal = namespaceRefusal(target, registry.reader)
  if (refusal !== undefined) throw new Refused(refusal)

  const asked = kind.defaults(withMeta(named, request, context))
  const prepared = kind.prepareForCreate(asked, context)
  refuseInvalid(kind, name ?? '', kind.validate(prepared, context))
  if (headOf(registry, target) !== undefined) throw new Refused(alreadyExists(kind.info, name))

  const admitted = admit(kind, { object: prepared, old: undefined }, context)
  const writer = { manager: options.manager ?? 'unknown', now: context.now }
  const object =
    request.isApply === true ? admitted.object : trackCreate(kind, { asked, next: admitted.object }, writer)
  if (options.dryRun) {
    admitted.rollback()
    return { answer: unstored(object), committed: Promise.resolve() }
  }
  const change = {
    resource: storageName(kind.info),
    key: keyOf(kind.info, target),
    object,
    expect: 0,
  }
  const staged = stageAdmitted(registry.store, [change, ...admitted.also], admitted)
  if (staged === undefined) throw new Refused(alreadyExists(kind.info, name))
  return { answer: staged.stored, committed: staged.committed }
}

/** What the body may say of itself: apiVersion, kind and namespace must fit the path. */
export function checkIdentity(request: Pick<CreateRequest, 'kind' | 'namespace' | 'object'>): void {
  const { kind, namespace, object } = request
  const { info } = kind
  if (object.kind !== undefined && object.kind !== '' && object.kind !== info.kind) {
    const text = `${info.kind} in version "${apiVersionOf(info)}" cannot be handled as a ${info.kind}: no kind "${object.kind}" is registered for this resource`
    throw new Refused(badRequest(text))
  }
  if (object.apiVersion !== undefined && object.apiVersion !== '' && object.apiVersion !== apiVersionOf(info)) {
    const text = `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersionOf(info)})`
    throw new Refused(badRequest(text))
  }
  const own = object.metadata?.namespace ?? ''
  if (info.namespaced ? own !== '' && own !== namespace : own !== '') {
    const text = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new Refused(badRequest(text))
  }
}

function withName(registry: Registry, request: CreateRequest): KubeObject {
  const { kind, namespace, object } = request
  const meta: Partial<ObjectMeta> = object.metadata ?? {}
  const prefix = meta.generateName
  if ((meta.name ?? '') !== '' || prefix === undefined || prefix === '') {
    return { ...object, metadata: { ...meta, name: meta.name ?? '' } }
  }
  for (let attempt = 0; attempt < GENERATE_ATTEMPTS; attempt += 1) {
    const name = generateName(prefix)
    if (headOf(registry, { kind, namespace, name }) === undefined) return { ...object, metadata: { ...meta, name } }
  }
  throw new Refused(alreadyExists(kind.info, `${prefix}…`))
}

/** Identity comes from the server; whatever a client sends of it is dropped, as upstream does. */
function withMeta(object: KubeObject, request: CreateRequest, context: WriteContext): KubeObject {
  const { kind, namespace } = request
  const { resourceVersion } = object.metadata
  if (resourceVersion !== undefined && resourceVersion !== '') {
    const message = 'resourceVersion should not be set on objects to be created'
    throw new Refused(failure({ code: 500, message }))
  }
  const { generateName: prefix, labels, annotations, ownerReferences, finalizers, managedFields } = object.metadata
  const metadata: ObjectMeta = {
    name: object.metadata.name,
    ...(prefix === undefined || prefix === '' ? {} : { generateName: prefix }),
    ...(kind.info.namespaced && namespace !== undefined ? { namespace } : {}),
    uid: randomUUID(),
    ...(kind.hasGeneration ? { generation: 1 } : {}),
    creationTimestamp: context.now,
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(managedFields === undefined ? {} : { managedFields }),
  }
  return { ...object, apiVersion: apiVersionOf(kind.info), kind: kind.info.kind, metadata }
}
