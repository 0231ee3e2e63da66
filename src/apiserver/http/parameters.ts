/** Query parameters of the API, checked as upstream checks them (api-server.md 2.3). */
import type { FieldError } from '#api'
import { forbidden, invalid, notSupported } from '#api'
import type { FieldValidation } from '../codec/index.ts'
import { badRequest, invalidOptions, Refused } from '../status/index.ts'

const FIELD_VALIDATION = ['Ignore', 'Strict', 'Warn']

export type WriteParameters = { readonly dryRun: boolean; readonly fieldValidation: FieldValidation }

/** `options` is the kind that errors are reported on: CreateOptions, UpdateOptions, PatchOptions. */
export function writeParameters(query: URLSearchParams, options: string, isApply = false): WriteParameters {
  const errors: FieldError[] = []
  const dryRun = query.getAll('dryRun').filter((value) => value !== '')
  for (const value of dryRun) if (value !== 'All') errors.push(notSupported('dryRun', value, ['All']))
  const fieldValidation = query.get('fieldValidation') ?? ''
  if (fieldValidation !== '' && !FIELD_VALIDATION.includes(fieldValidation)) {
    errors.push(notSupported('fieldValidation', fieldValidation, ['', ...FIELD_VALIDATION]))
  }
  const manager = query.get('fieldManager') ?? ''
  if (manager.length > 128) errors.push(invalid('fieldManager', manager, 'may not be more than 128 bytes'))
  if (query.has('force') && options === 'PatchOptions' && !isApply) {
    errors.push(forbidden('force', 'may not be specified for non-apply patch'))
  }
  if (errors.length > 0) throw new Refused(invalidOptions(options, errors))
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
  }
}

export type ReadParameters = {
  readonly labelSelector: string
  readonly fieldSelector: string
  readonly resourceVersion: string
  readonly resourceVersionMatch: string
  readonly limit: number
  readonly continueText: string
  readonly watch: boolean
  readonly allowBookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
  readonly timeoutSeconds: number | undefined
}

export function readParameters(query: URLSearchParams): ReadParameters {
  const text = (name: string): string => query.get(name) ?? ''
  return {
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    resourceVersion: text('resourceVersion'),
    resourceVersionMatch: text('resourceVersionMatch'),
    limit: integer(query, 'limit') ?? 0,
    continueText: text('continue'),
    watch: flag(query, 'watch') ?? false,
    allowBookmarks: flag(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: flag(query, 'sendInitialEvents'),
    timeoutSeconds: integer(query, 'timeoutSeconds') || undefined,
  }
}

/** Query conversion takes everything but `false` and `0` as true (apimachinery queryparams, conversion of bool). */
export function flag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  return !['false', '0'].includes(value.toLowerCase())
}

export function integer(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (!/^-?\d{1,15}$/.test(value)) {
    throw new Refused(badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`))
  }
  return Math.max(0, Number(value))
}
