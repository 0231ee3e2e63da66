/** PATCH with `application/apply-patch+yaml`: the body is an object in YAML, of which JSON is a part. */
import { required } from '#api'
import { decodeBody } from '../codec/index.ts'
import type { Subresource, Target, UpdateAnswer } from '../registry/index.ts'
import { applyObject, typedPatchProblem } from '../registry/index.ts'
import { failure, invalidOptions, Refused } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { flag, writeParameters } from './parameters.ts'
import { readBody } from './read-body.ts'
import type { ServerContext } from './server-context.ts'
import { writeOptions } from './write-options.ts'

export async function serveApply(
  context: ServerContext,
  exchange: Exchange,
  target: Target & { readonly subresource: Subresource | undefined },
): Promise<UpdateAnswer> {
  const { query } = exchange
  const { dryRun } = writeParameters(query, 'PatchOptions', true)
  if ((query.get('fieldManager') ?? '') === '') {
    const missing = required('fieldManager', 'is required for apply patch')
    throw new Refused(invalidOptions('PatchOptions', [missing]))
  }
  const body = await readBody(exchange.request)
  const { kind } = target
  const decoded = decodeBody({ body, contentType: 'application/yaml', kind, fieldValidation: 'Warn' })
  if ('refusal' in decoded) throw new Refused(failure(decoded.refusal))
  // Apply has no lenient mode: a field that the schema does not know could not be owned.
  const unknown = decoded.warnings
    .map((text) => /^unknown field "(.*)"$/.exec(text)?.[1])
    .find((path) => path !== undefined)
  if (unknown !== undefined) {
    throw new Refused(typedPatchProblem(target, `.${unknown}: field not declared in schema`))
  }
  const options = writeOptions(exchange, dryRun)
  return applyObject(context.registry, {
    ...target,
    options,
    applied: decoded.object,
    force: flag(query, 'force') ?? false,
  })
}
