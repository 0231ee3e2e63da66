/** Label selectors as text (`a=b,c in (d,e),!f,g>1`): apimachinery labels.Parse, errors in its words (api-server.md 14.1). */
import type { Status } from '#api'
import { badRequest } from '../status/index.ts'

export type LabelRequirement = {
  readonly key: string
  readonly operator: 'exists' | 'notExists' | 'in' | 'notIn' | 'greater' | 'less'
  readonly values: readonly string[]
}

type Labels = Readonly<Record<string, string>>

/** All must hold. No requirements: everything matches. */
export type LabelSelector = readonly LabelRequirement[]

const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const INTEGER = /^[+-]?\d{1,19}$/

/** Bounds the work of one request; kubectl and client-go stay far below. */
const MAX_LENGTH = 16_384

export function parseLabelSelector(text: string): { selector: LabelSelector } | { refusal: Status } {
  const fail = (why: string): { refusal: Status } => ({ refusal: badRequest(`unable to parse requirement: ${why}`) })
  if (text.length > MAX_LENGTH) return fail('the selector is too long')
  const selector: LabelRequirement[] = []
  for (const part of splitOutsideParentheses(text)) {
    const requirement = parseRequirement(part)
    if (requirement === undefined) {
      if (part === '' && text.trim() === '') continue
      return fail(`found '${part}', expected: identifier, operator and values`)
    }
    const problem = problemOf(requirement)
    if (problem !== undefined) return fail(problem)
    selector.push(requirement)
  }
  return { selector }
}

export function matchesLabels(selector: LabelSelector, labels: Labels | undefined): boolean {
  return selector.every(({ key, operator, values }) => {
    const present = labels !== undefined && Object.hasOwn(labels, key)
    const value = present ? (labels[key] as string) : ''
    switch (operator) {
      case 'exists':
        return present
      case 'notExists':
        return !present
      case 'in':
        return present && values.includes(value)
      case 'notIn':
        return !present || !values.includes(value)
      case 'greater':
      case 'less': {
        if (!present || !INTEGER.test(value)) return false
        const [actual, bound] = [BigInt(value), BigInt(values[0] as string)]
        return operator === 'greater' ? actual > bound : actual < bound
      }
    }
  })
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '(') depth += 1
    else if (text[i] === ')') depth -= 1
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(text.slice(start).trim())
  return parts
}

function parseRequirement(part: string): LabelRequirement | undefined {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set !== null) {
    const values = (set[3] as string).split(',').map((value) => value.trim())
    return { key: set[1] as string, operator: set[2] === 'in' ? 'in' : 'notIn', values }
  }
  const compare = /^([^\s=!<>()]+)\s*(==|=|!=|>|<)\s*([^\s=!<>(),]*)$/.exec(part)
  if (compare !== null) {
    const operators = { '=': 'in', '==': 'in', '!=': 'notIn', '>': 'greater', '<': 'less' } as const
    const operator = operators[compare[2] as keyof typeof operators]
    return { key: compare[1] as string, operator, values: [compare[3] as string] }
  }
  const bare = /^(!?)\s*([^\s=!<>(),]+)$/.exec(part)
  if (bare !== null) return { key: bare[2] as string, operator: bare[1] === '!' ? 'notExists' : 'exists', values: [] }
  return undefined
}

function problemOf({ key, operator, values }: LabelRequirement): string | undefined {
  const slash = key.indexOf('/')
  const name = key.slice(slash + 1)
  const prefix = slash < 0 ? undefined : key.slice(0, slash)
  const validPrefix = prefix === undefined || (prefix.length <= 253 && PREFIX.test(prefix))
  if (!validPrefix || name.length > 63 || !NAME.test(name)) {
    return `key: Invalid value: ${JSON.stringify(key)}: must be a qualified name`
  }
  if (operator === 'greater' || operator === 'less') {
    const value = values[0] ?? ''
    return INTEGER.test(value)
      ? undefined
      : `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`
  }
  const bad = values.findIndex((value) => value !== '' && (value.length > 63 || !NAME.test(value)))
  if (bad < 0) return undefined
  return `values[${bad}][${key}]: Invalid value: ${JSON.stringify(values[bad])}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`
}
