/**
 * The JSON paths of printer columns and selectable fields: `.a.b`, `['a']`, `[0]`, `[*]` and `[?(@.type=="Ready")]`. Others
 * find nothing.
 */

const STEP =
  /^(?:\.([\w-]+(?:\\\.[\w-]+)*)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]|\[(\*)\]|\[\?\(@\.([\w.-]+)\s*==\s*(?:"([^"]*)"|'([^']*)')\)\])/

export function jsonPath(path: string, object: unknown): readonly unknown[] {
  let rest = path.startsWith('.') || path.startsWith('[') ? path : `.${path}`
  let found: readonly unknown[] = [object]
  while (rest !== '') {
    const match = STEP.exec(rest)
    if (match === null) return []
    rest = rest.slice(match[0].length)
    const [, field, quoted, doubleQuoted, index, all, key, text, otherText] = match
    const name = field?.replaceAll('\\.', '.') ?? quoted ?? doubleQuoted
    if (name !== undefined) found = found.flatMap((value) => member(value, name))
    else if (index !== undefined) found = found.flatMap((value) => items(value).slice(Number(index), Number(index) + 1))
    else if (all !== undefined) found = found.flatMap(items)
    else found = found.flatMap(items).filter((item) => jsonPath(`.${key ?? ''}`, item)[0] === (text ?? otherText))
  }
  return found
}

function member(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return [(value as Readonly<Record<string, unknown>>)[name]]
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}
