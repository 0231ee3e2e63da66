/** Probes of a container: exactly one way to probe, with sane numbers (core/validation validateProbe). */
import type { FieldError } from './field-error.ts'
import { forbidden, invalid, notSupported, required } from './field-error.ts'
import { portName, portNumber } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { given, integerAt, listAt, recordAt, textAt, textListAt } from './read-value.ts'

const KINDS = ['readinessProbe', 'livenessProbe', 'startupProbe'] as const
const HANDLERS: readonly string[] = ['exec', 'httpGet', 'tcpSocket', 'grpc']
const NUMBERS = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const

export function validateProbes(
  errors: FieldError[],
  field: string,
  { container, allowed }: { readonly container: Fields; readonly allowed: boolean },
): void {
  for (const kind of KINDS) {
    if (!given(container[kind])) continue
    const at = `${field}.${kind}`
    if (!allowed) errors.push(forbidden(at, 'must not be set for init containers'))
    else probe(errors, at, { value: container[kind], readiness: kind === 'readinessProbe' })
  }
}

function probe(
  errors: FieldError[],
  field: string,
  { value, readiness }: { readonly value: unknown; readonly readiness: boolean },
): void {
  const fields = recordAt(errors, field, value)
  const handlers = HANDLERS.filter((name) => given(fields[name]))
  const [first, ...others] = handlers
  if (first === undefined) errors.push(required(field, 'must specify a handler type'))
  for (const name of others) errors.push(forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'))
  if (first !== undefined) handler(errors, `${field}.${first}`, { name: first, value: fields[first] })
  for (const key of NUMBERS) {
    const number = integerAt(errors, `${field}.${key}`, fields[key])
    if (number < 0) errors.push(invalid(`${field}.${key}`, number, 'must be greater than or equal to 0'))
  }
  const successes = fields['successThreshold']
  if (!readiness && typeof successes === 'number' && successes > 1) {
    errors.push(invalid(`${field}.successThreshold`, successes, 'must be 1'))
  }
}

function handler(
  errors: FieldError[],
  field: string,
  { name, value }: { readonly name: string; readonly value: unknown },
): void {
  const fields = recordAt(errors, field, value)
  if (name === 'exec') {
    if (textListAt(errors, `${field}.command`, fields['command']).length === 0)
      errors.push(required(`${field}.command`))
    return
  }
  const port = fields['port']
  const isText = typeof port === 'string' && name !== 'grpc'
  const problems = isText ? portName(port) : portNumber(integerAt(errors, `${field}.port`, port))
  errors.push(...problems.map((problem) => invalid(`${field}.port`, port ?? 0, problem)))
  if (name !== 'httpGet') return
  if (textAt(errors, `${field}.path`, fields['path']) === '') errors.push(required(`${field}.path`))
  const scheme = textAt(errors, `${field}.scheme`, fields['scheme'])
  if (!['HTTP', 'HTTPS'].includes(scheme)) errors.push(notSupported(`${field}.scheme`, scheme, ['HTTP', 'HTTPS']))
  listAt(errors, `${field}.httpHeaders`, fields['httpHeaders']).forEach((item, i) => {
    const header = textAt(
      errors,
      `${field}.httpHeaders[${i}].name`,
      recordAt(errors, `${field}.httpHeaders[${i}]`, item)['name'],
    )
    if (!/^[-A-Za-z0-9]+$/.test(header)) {
      const text =
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
      errors.push(invalid(`${field}.httpHeaders[${i}].name`, header, text))
    }
  })
}
