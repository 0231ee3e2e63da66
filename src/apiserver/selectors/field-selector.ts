/** Field selectors (`metadata.name=a,spec.type!=b`): apimachinery fields.ParseSelector with its backslash escapes. */
import type { KubeObject, ResourceInfo, Status } from '#api'
import { badRequest } from '../status/index.ts'

export type FieldRequirement = { readonly field: string; readonly equal: boolean; readonly value: string }

export type FieldSelector = readonly FieldRequirement[]

const MAX_LENGTH = 16_384

export function parseFieldSelector(text: string): { selector: FieldSelector } | { refusal: Status } {
  if (text.length > MAX_LENGTH) return { refusal: badRequest('the field selector is too long') }
  const selector: FieldRequirement[] = []
  for (const term of splitTerms(text)) {
    if (term === '') continue
    const match = /^((?:[^\\=!]|\\.)*?)(==|!=|=)(.*)$/s.exec(term)
    const value = match === null ? undefined : unescape(match[3] as string)
    if (match === null || value === undefined) {
      return { refusal: badRequest(`invalid selector: '${text}'; can't understand '${term}'`) }
    }
    selector.push({ field: match[1] as string, equal: match[2] !== '!=', value })
  }
  return { selector }
}

/** The first field that this kind does not offer, as a refusal. `known` are the kind's own fields. */
export function checkFieldSelector(
  selector: FieldSelector,
  info: ResourceInfo,
  known: ReadonlySet<string>,
): { ok: true } | { refusal: Status } {
  for (const { field } of selector) {
    const common = field === 'metadata.name' || (field === 'metadata.namespace' && info.namespaced)
    if (!common && !known.has(field)) return { refusal: badRequest(`field label not supported: ${field}`) }
  }
  return { ok: true }
}

export function matchesFields(
  selector: FieldSelector,
  object: KubeObject,
  fields: (object: KubeObject) => Readonly<Record<string, string>>,
): boolean {
  if (selector.length === 0) return true
  let own: Readonly<Record<string, string>> | undefined
  return selector.every(({ field, equal, value }) => {
    const actual =
      field === 'metadata.name'
        ? object.metadata.name
        : field === 'metadata.namespace'
          ? (object.metadata.namespace ?? '')
          : ((own ??= fields(object))[field] ?? '')
    return (actual === value) === equal
  })
}

/** The one name that a selector pins, if it does: such reads and watches concern a single object. */
export function pinnedName(selector: FieldSelector): string | undefined {
  return selector.find(({ field, equal }) => equal && field === 'metadata.name')?.value
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

/** Only `\\`, `\,` and `\=` are escapes, and a bare `,` or `=` in a value is an error. */
function unescape(value: string): string | undefined {
  if (!/^(?:[^\\,=]|\\[\\,=])*$/s.test(value)) return undefined
  return value.replaceAll(/\\(.)/gs, '$1')
}
