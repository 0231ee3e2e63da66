/**
 * Reads what `nft list ruleset` or `nft list table` printed. Never throws on content: what is not understood is kept
 * verbatim where it stood, and lines that make no sense at all are listed as problems.
 */
import type { NftChain, NftFamily, NftHook, NftRule, NftRuleset, NftSet, NftTable } from './ast.ts'
import { Cursor } from './cursor.ts'
import { parseRule } from './parse-statement.ts'
import { parseSet } from './parse-set.ts'
import { tokenize, type Token } from './tokenize.ts'
import { parsePriority } from './words.ts'

export type NftProblem = { readonly line: number; readonly message: string }

export type ParsedNftRuleset = { readonly ruleset: NftRuleset; readonly problems: readonly NftProblem[] }

type Context = { readonly text: string; readonly problems: NftProblem[] }

export function parseNftRuleset(text: string): ParsedNftRuleset {
  const context: Context = { text, problems: [] }
  const cursor = new Cursor(tokenize(text))
  const tables: NftTable[] = []
  for (cursor.skipNewlines(); !cursor.done; cursor.skipNewlines()) {
    const table = parseTable(cursor, context)
    if (table !== undefined) tables.push(table)
  }
  return { ruleset: { tables }, problems: context.problems }
}

const FAMILIES: readonly NftFamily[] = ['ip', 'ip6', 'inet']

function parseTable(cursor: Cursor, context: Context): NftTable | undefined {
  const start = cursor.peek()
  const family = FAMILIES.find((name) => name === cursor.word(1))
  const name = cursor.word(2)
  if (cursor.word() !== 'table' || family === undefined || name === undefined || cursor.peek(3)?.text !== '{') {
    const line = cursor.takeLine()
    if (line.length === 0) cursor.next()
    complain(context, start, 'not a table of a family that is known here')
    return undefined
  }
  cursor.at += 4
  const sets = new Map<string, NftSet>()
  const chains = new Map<string, NftChain>()
  const others: string[] = []
  let comment: string | undefined
  for (cursor.skipNewlines(); !cursor.done && !cursor.takeMark('}'); cursor.skipNewlines()) {
    const [word, object] = [cursor.word(), cursor.word(1)]
    const opens = object !== undefined && cursor.peek(2)?.text === '{'
    if (opens && (word === 'set' || word === 'map')) sets.set(object, parseSet(blockOf(cursor), word, context))
    else if (opens && word === 'chain') chains.set(object, parseChain(blockOf(cursor), context))
    else {
      const line = cursor.takeLine()
      if (word === 'comment' && line[1]?.kind === 'quoted') comment = line[1].text
      else if (line.length === 0) cursor.next()
      else others.push(sourceOf(line, context))
    }
  }
  return {
    family,
    name,
    ...(comment === undefined ? {} : { comment }),
    sets,
    chains,
    ...(others.length === 0 ? {} : { others }),
  }
}

export type Block = { readonly name: string; readonly lines: readonly (readonly Token[])[] }

/** `WORD NAME { … }` */
function blockOf(cursor: Cursor): Block {
  const name = cursor.word(1) ?? ''
  cursor.at += 3
  const lines: Token[][] = []
  for (cursor.skipNewlines(); !cursor.done && !cursor.takeMark('}'); cursor.skipNewlines()) {
    const line = cursor.takeLine()
    if (line.length > 0) lines.push(line)
  }
  return { name, lines }
}

function parseChain({ name, lines }: Block, context: Context): NftChain {
  const rules: NftRule[] = []
  let header: Pick<NftChain, 'base' | 'comment'> = {}
  for (const line of lines) {
    const [first, second] = line
    if (first?.text === 'type' && first.kind === 'word') {
      const base = parseBase(line.map((token) => token.text).join(' '))
      if (base === undefined) complain(context, first, `chain ${name}: a hook that is not known here`)
      else header = { ...header, base }
    } else if (first?.text === 'policy' && header.base !== undefined) {
      header = { ...header, base: { ...header.base, policy: second?.text === 'drop' ? 'drop' : 'accept' } }
    } else if (first?.text === 'comment' && line.length === 2 && second?.kind === 'quoted') {
      header = { ...header, comment: second.text }
    } else rules.push(parseRule(line, context.text))
  }
  return { name, ...header, rules }
}

const HOOKS: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']

function parseBase(text: string): NftChain['base'] {
  const [, typeName, hookName, priorityText] = /^type (filter|nat|route) hook (\w+) priority (.+)$/.exec(text) ?? []
  const type = (['filter', 'nat', 'route'] as const).find((name) => name === typeName)
  const hook = HOOKS.find((name) => name === hookName)
  const priority = parsePriority(priorityText ?? '')
  if (type === undefined || hook === undefined || priority === undefined) return undefined
  return { type, hook, priority, policy: 'accept' }
}

function sourceOf(line: readonly Token[], { text }: Context): string {
  return text.slice(line[0]?.from, line.at(-1)?.to)
}

function complain({ text, problems }: Context, token: Token | undefined, message: string): void {
  problems.push({ line: text.slice(0, token?.from ?? text.length).split('\n').length, message })
}
