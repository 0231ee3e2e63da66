/** POST subresources of pods: `eviction` (kubectl drain) and `binding` (schedulers). Both answer with a Status. */
import type { KubeObject, Pod } from '#api'
import { apiVersionOf, PODS } from '#api'
import { messageOf } from '#lib'
import type { DeleteOptions, Target } from '../registry/index.ts'
import { deleteObject, timestamp, updateObject } from '../registry/index.ts'
import { badRequest, conflict, methodNotAllowed, notFound, Refused, success } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answer } from './exchange.ts'
import { writeParameters } from './parameters.ts'
import { readBody } from './read-body.ts'
import type { ServerContext } from './server-context.ts'
import { writeOptions } from './write-options.ts'

export async function servePodAction(
  context: ServerContext,
  exchange: Exchange,
  call: { readonly target: Target; readonly action: 'eviction' | 'binding' },
): Promise<void> {
  if (exchange.request.method !== 'POST') throw new Refused(methodNotAllowed())
  const { dryRun } = writeParameters(exchange.query, 'CreateOptions')
  const body = parsed(await readBody(exchange.request))
  const options = writeOptions(exchange, dryRun)
  const { target } = call
  if (call.action === 'eviction') {
    const deletion = (body as { readonly deleteOptions?: DeleteOptions }).deleteOptions ?? {}
    await deleteObject(context.registry, { ...target, deletion, options })
  } else {
    const node = (body as { readonly target?: { readonly name?: unknown } }).target?.name
    if (typeof node !== 'string' || node === '') throw new Refused(badRequest('binding target is required'))
    await bind(context, { target, node }, options)
  }
  answer(exchange, { code: 201 }, `${JSON.stringify({ ...success({}), code: 201 })}\n`)
}

async function bind(
  context: ServerContext,
  binding: { readonly target: Target; readonly node: string },
  options: ReturnType<typeof writeOptions>,
): Promise<void> {
  const { target, node } = binding
  // The kind keeps spec.nodeName immutable for everybody else; a binding is the one write that may set it.
  const kind = { ...target.kind, validateUpdate: () => [], prepareForUpdate: <T>(object: T): T => object }
  await updateObject(context.registry, {
    ...target,
    kind,
    options,
    mayCreate: false,
    change: (old) => {
      if (old === undefined) throw new Refused(notFound(PODS, target.name))
      const pod = old as Pod
      const { nodeName = '' } = pod.spec
      if (nodeName !== '') {
        const text = `pod ${target.name} is already assigned to node "${nodeName}"`
        throw new Refused(conflict(PODS, target.name, text))
      }
      return { ...pod, spec: { ...pod.spec, nodeName: node } } as KubeObject
    },
  })
  const condition = {
    type: 'PodScheduled',
    status: 'True' as const,
    lastProbeTime: null,
    lastTransitionTime: timestamp(context.clock.now()),
  }
  await updateObject(context.registry, {
    ...target,
    subresource: 'status',
    options,
    mayCreate: false,
    change: (old) => {
      const pod = (old ?? { apiVersion: apiVersionOf(PODS), kind: 'Pod', metadata: { name: target.name } }) as Pod
      const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type)
      return { ...pod, status: { ...pod.status, conditions: [...others, condition] } } as KubeObject
    },
  })
}

function parsed(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {}
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return typeof value === 'object' && value !== null ? value : {}
  } catch (error) {
    throw new Refused(badRequest(`the body cannot be decoded: ${messageOf(error)}`))
  }
}
