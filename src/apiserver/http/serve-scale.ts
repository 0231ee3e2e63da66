/**
 * `/scale` of the kinds that have one: their size in the form of autoscaling/v1 Scale, the same for all (apps/v1
 * registry scale.go). A write changes the size and nothing else, and goes the way of every update of the object.
 */
import type { KubeObject, ResourceInfo } from '#api'
import { apiVersionOf, invalid } from '#api'
import type { FieldValidation } from '../codec/index.ts'
import { checkFields, decodeBody } from '../codec/index.ts'
import { defineKind } from '../kinds/define-kind.ts'
import type { KindDefinition, ScaleDefinition } from '../kinds/kind.ts'
import type { JsonObject } from '../patch/index.ts'
import { applyJsonPatch, applyMergePatch, isObject } from '../patch/index.ts'
import type { Target } from '../registry/index.ts'
import { getObject, updateObject } from '../registry/index.ts'
import {
  badRequest,
  conflict,
  failure,
  invalidObject,
  methodNotAllowed,
  notFound,
  Refused,
  unwrap,
} from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answer } from './exchange.ts'
import { readParameters, writeParameters } from './parameters.ts'
import { decodePatch, patchKindOf } from './patch-body.ts'
import { readBody } from './read-body.ts'
import type { ServerContext } from './server-context.ts'
import { writeOptions } from './write-options.ts'

type Scale = KubeObject & {
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly replicas: number; readonly selector?: string }
}
type ScaleTarget = Target & { readonly scale: ScaleDefinition<KubeObject> }

const SCALES: ResourceInfo = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  resource: 'scales',
  singular: 'scale',
  shortNames: [],
  categories: [],
  namespaced: true,
}
/** Enough of a kind for the decoder. */
const scaleKind: KindDefinition = defineKind<Scale>({
  info: SCALES,
  schema: 'io.k8s.api.autoscaling.v1.Scale',
  message: 'k8s.io.api.autoscaling.v1.Scale',
  table: { columns: [], cells: () => [] },
})

export async function serveScale(context: ServerContext, exchange: Exchange, target: Target): Promise<void> {
  const { scale } = target.kind
  if (scale === undefined) throw new Refused(methodNotAllowed())
  const at = { ...target, scale }
  switch (exchange.request.method) {
    case 'GET': {
      const { resourceVersion } = readParameters(exchange.query)
      const { object } = await getObject(context.registry, target, resourceVersion)
      sendScale(exchange, scaleOf(at, object))
      return
    }
    case 'PUT': {
      const parameters = writeParameters(exchange.query, 'UpdateOptions')
      const wanted = await decodeScale(exchange, parameters.fieldValidation)
      return writeScale(context, exchange, { at, dryRun: parameters.dryRun, change: () => wanted })
    }
    case 'PATCH': {
      const patchKind = patchKindOf(exchange.request.headers['content-type'])
      if (patchKind === 'apply') throw new Refused(methodNotAllowed())
      const parameters = writeParameters(exchange.query, 'PatchOptions')
      const patch = decodePatch(await readBody(exchange.request))
      const change = (current: Scale): Scale => patched(current, { patchKind, patch, mode: parameters.fieldValidation })
      return writeScale(context, exchange, { at, dryRun: parameters.dryRun, change })
    }
    case undefined:
    default:
      throw new Refused(methodNotAllowed())
  }
}

async function writeScale(
  context: ServerContext,
  exchange: Exchange,
  write: { readonly at: ScaleTarget; readonly dryRun: boolean; readonly change: (current: Scale) => Scale },
): Promise<void> {
  const { at } = write
  const { answer: updated } = await updateObject(context.registry, {
    ...at,
    options: writeOptions(exchange, write.dryRun),
    mayCreate: false,
    change: (old) => {
      if (old === undefined) throw new Refused(notFound(at.kind.info, at.name))
      return resized(at, old, write.change(scaleOf(at, old)))
    },
  })
  sendScale(exchange, scaleOf(at, updated.object))
}

function resized(at: ScaleTarget, old: KubeObject, wanted: Scale): KubeObject {
  const { resourceVersion, uid, name } = wanted.metadata ?? {}
  const differs = (value: string | undefined, own: string | undefined): boolean =>
    value !== undefined && value !== '' && value !== own
  if (differs(name, at.name)) {
    const text = `the name of the object (${name}) does not match the name on the URL (${at.name})`
    throw new Refused(badRequest(text))
  }
  if (differs(resourceVersion, old.metadata.resourceVersion) || differs(uid, old.metadata.uid)) {
    throw new Refused(conflict(at.kind.info, at.name))
  }
  const replicas = wanted.spec?.replicas ?? 0
  if (replicas < 0) {
    const error = invalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw new Refused(invalidObject(SCALES, at.name, [error]))
  }
  return at.scale.write(old, replicas)
}

function scaleOf({ scale }: ScaleTarget, object: KubeObject): Scale {
  const { wanted, actual, selector } = scale.read(object)
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  return {
    kind: SCALES.kind,
    apiVersion: apiVersionOf(SCALES),
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: wanted },
    status: { replicas: actual, selector },
  }
}

function patched(
  current: Scale,
  change: {
    readonly patchKind: 'json' | 'merge' | 'strategic'
    readonly patch: unknown
    readonly mode: FieldValidation
  },
): Scale {
  const { patchKind, patch, mode } = change
  const target = current as unknown as JsonObject
  // A Scale has no lists, so a strategic patch is a merge patch.
  if (patchKind !== 'json' && !isObject(patch)) {
    throw new Refused(badRequest('error decoding patch: a merge patch must be a JSON object'))
  }
  const value =
    patchKind === 'json' ? unwrap(applyJsonPatch(target, patch)).value : applyMergePatch(target, patch as JsonObject)
  const checked = checkFields(scaleKind, value, mode)
  if ('refusal' in checked) throw new Refused(failure(checked.refusal))
  return checked.object
}

async function decodeScale(exchange: Exchange, fieldValidation: FieldValidation): Promise<Scale> {
  const body = await readBody(exchange.request)
  const contentType = exchange.request.headers['content-type'] ?? 'application/json'
  const decoded = decodeBody({ body, contentType, kind: scaleKind, fieldValidation })
  if ('refusal' in decoded) throw new Refused(failure(decoded.refusal))
  for (const warning of decoded.warnings) exchange.warnings.add(warning)
  return decoded.object
}

function sendScale(exchange: Exchange, scale: Scale): void {
  answer(exchange, { code: 200 }, `${JSON.stringify(scale)}\n`)
}
