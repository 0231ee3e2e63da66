/**
 * YAML bodies as kubectl's own reader takes them: YAML 1.1 words (`yes`, `on`) and numbers, no timestamps, no base-60
 * numbers, only what JSON can hold. Aliases are bounded, so a small text cannot become a huge object.
 */
import type { Node, Tags } from 'yaml'
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { ParsedText } from './parse-json.ts'
import { childPath, MAX_DEPTH } from './parse-json.ts'

const MAX_ALIASES = 100
const NOT_JSON: ReadonlySet<string> = new Set(
  ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`),
)

export function parseYaml(text: string): ParsedText {
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys: false,
    logLevel: 'silent',
    prettyErrors: false,
    customTags: withoutForeignTags,
  })
  const [error] = document.errors
  if (error !== undefined) return { problem: `error converting YAML to JSON: yaml: ${error.message}` }
  const duplicates: string[] = []
  if (document.contents !== null) {
    const problem = inspect(document.contents, { path: '', depth: 0 }, duplicates)
    if (problem !== undefined) return { problem }
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return { value, duplicates }
  } catch (problem) {
    // The library refuses alias bombs and unresolved aliases by throwing.
    return { problem: `error converting YAML to JSON: yaml: ${(problem as Error).message}` }
  }
}

function withoutForeignTags(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || (!NOT_JSON.has(tag.tag) && tag.format !== 'TIME'))
}

type Place = { readonly path: string; readonly depth: number }

function inspect(node: unknown, place: Place, duplicates: string[]): string | undefined {
  if (place.depth > MAX_DEPTH) return `exceeded max depth of ${MAX_DEPTH}`
  const depth = place.depth + 1
  if (isSeq(node)) {
    for (const [i, item] of node.items.entries()) {
      const problem = inspect(item, { path: `${place.path}[${i}]`, depth }, duplicates)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  if (!isMap(node)) return undefined
  const seen = new Set<string>()
  for (const { key, value } of node.items) {
    if (!isScalar(key)) return isAlias(key) ? undefined : 'error converting YAML to JSON: unsupported map key'
    const name = String(key.value)
    const path = childPath(place.path, name)
    // `<<` may be given more than once: each merges another map.
    if (seen.has(name) && name !== '<<') duplicates.push(path)
    seen.add(name)
    const problem = inspect(value as Node | null, { path, depth }, duplicates)
    if (problem !== undefined) return problem
  }
  return undefined
}
