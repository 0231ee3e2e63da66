/**
 * Rules out of nft's words. A statement that is not known takes the rest of the rule with it, verbatim: where it ends cannot
 * be told.
 */
import type { NftKeyPart, NftMark, NftNatFlag, NftRule, NftStatement, NftTranslation } from './ast.ts'
import { Cursor } from './cursor.ts'
import { parseKey, parseReference, parseVerdict } from './parse-key.ts'
import type { Token } from './tokenize.ts'
import { parseDuration } from './words.ts'

export function parseRule(tokens: readonly Token[], text: string): NftRule {
  const { body, comment } = splitComment(tokens)
  const cursor = new Cursor(body)
  const statements: NftStatement[] = []
  while (!cursor.done) {
    const start = cursor.at
    const statement = parseStatement(cursor)
    if (statement !== undefined) {
      statements.push(statement)
      continue
    }
    cursor.at = start
    const other = parseTransparent(cursor)
    if (!other) cursor.at = body.length
    const from = body[start]?.from
    statements.push({
      kind: 'other',
      text: text.slice(from, body[cursor.at - 1]?.to),
      ...(other ? { transparent: true } : {}),
    })
  }
  return { statements, ...(comment === undefined ? {} : { comment }) }
}

function splitComment(tokens: readonly Token[]): { readonly body: readonly Token[]; readonly comment?: string } {
  const [word, quoted] = tokens.slice(-2)
  return word?.kind === 'word' && word.text === 'comment' && quoted?.kind === 'quoted'
    ? { body: tokens.slice(0, -2), comment: quoted.text }
    : { body: tokens }
}

/** Statements that neither decide nor change anything an evaluator follows. */
function parseTransparent(cursor: Cursor): boolean {
  if (cursor.takeWords('meta', 'nftrace', 'set')) return cursor.takeWord() !== undefined
  if (cursor.takeWords('counter', 'name')) return cursor.takeValue() !== undefined
  if (!cursor.takeWords('log')) return false
  while (/^(?:prefix|level|group|snaplen|queue-threshold|flags)$/.test(cursor.word() ?? '')) {
    const option = cursor.takeWord()
    cursor.takeValue()
    if (option === 'flags' && /^(?:sequence|options|uid|ether|all)/.test(cursor.word() ?? '')) cursor.takeWord()
    while (option === 'flags' && cursor.takeMark(',')) cursor.takeWord()
  }
  return true
}

function parseStatement(cursor: Cursor): NftStatement | undefined {
  switch (cursor.word()) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
    case 'jump':
    case 'goto': {
      const verdict = parseVerdict(cursor)
      return verdict === undefined ? undefined : { kind: 'verdict', ...verdict }
    }
    case 'counter':
      return parseCounter(cursor)
    case 'reject':
      return parseReject(cursor)
    case 'masquerade':
      cursor.at += 1
      return cursor.word() === 'to' ? undefined : { kind: 'masquerade', ...parseFlags(cursor) }
    case 'redirect':
      return parseRedirect(cursor)
    case 'dnat':
    case 'snat':
      return parseTranslation(cursor)
    case 'add':
    case 'update':
    case 'delete':
      return parseUpdate(cursor)
    case undefined:
    default:
      return parseSetMark(cursor) ?? parseComparison(cursor)
  }
}

function parseCounter(cursor: Cursor): NftStatement | undefined {
  cursor.at += 1
  if (cursor.word() === 'name') return undefined
  if (!cursor.takeWords('packets')) return { kind: 'counter', packets: 0n, bytes: 0n }
  const packets = cursor.takeWord() ?? ''
  const bytes = cursor.takeWords('bytes') ? (cursor.takeWord() ?? '') : ''
  const both = /^\d+$/.test(packets) && /^\d+$/.test(bytes)
  return both ? { kind: 'counter', packets: BigInt(packets), bytes: BigInt(bytes) } : undefined
}

function parseReject(cursor: Cursor): NftStatement | undefined {
  cursor.at += 1
  if (!cursor.takeWords('with')) return { kind: 'reject' }
  const protocol = cursor.takeWord()
  cursor.takeWords('type')
  const code = cursor.takeWord()
  return protocol === undefined || code === undefined ? undefined : { kind: 'reject', with: `${protocol} ${code}` }
}

function parseRedirect(cursor: Cursor): NftStatement | undefined {
  cursor.at += 1
  if (!cursor.takeWords('to')) return { kind: 'redirect', ...parseFlags(cursor) }
  const port = /^:(\d+)$/.exec(cursor.takeWord() ?? '')?.[1]
  return port === undefined ? undefined : { kind: 'redirect', port: Number(port), ...parseFlags(cursor) }
}

function parseTranslation(cursor: Cursor): NftStatement | undefined {
  const kind = cursor.takeWord() === 'dnat' ? 'dnat' : 'snat'
  const named = cursor.takeWords('ip') || cursor.takeWords('ip6')
  if (!cursor.takeWords('to')) return undefined
  const to = parseMapped(cursor, named) ?? parseEndpoint(cursor)
  return to === undefined ? undefined : { kind, to, ...parseFlags(cursor) }
}

/** In a table of one family nft names the family again exactly where address and port come out of the map together. */
function parseMapped(cursor: Cursor, withPort: boolean): NftTranslation | undefined {
  const key = parseKey(cursor)
  if (key === undefined || !cursor.takeWords('map')) return undefined
  const map = parseReference(cursor)
  if (map === undefined) return undefined
  const first = 'elements' in map ? map.elements[0]?.data : undefined
  return { key, map, withPort: Array.isArray(first) ? first.length > 1 : withPort }
}

function parseEndpoint(cursor: Cursor): NftTranslation | undefined {
  const word = cursor.takeWord() ?? ''
  const parts = /^(?:\[([\da-f:.]+)\](?::(\d+))?|(\d+\.\d+\.\d+\.\d+)?(?::(\d+))?|([\da-f:.]+))$/i.exec(word)
  const address = parts?.[1] ?? parts?.[3] ?? parts?.[5]
  const port = parts?.[2] ?? parts?.[4]
  if (address === undefined && port === undefined) return undefined
  return { ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port: Number(port) }) }
}

const FLAGS: readonly NftNatFlag[] = ['random', 'fully-random', 'persistent']

function parseFlags(cursor: Cursor): { readonly flags?: readonly NftNatFlag[] } {
  const flags: NftNatFlag[] = []
  for (;;) {
    const flag = FLAGS.find((name) => name === cursor.word())
    if (flag === undefined) return flags.length === 0 ? {} : { flags }
    flags.push(flag)
    cursor.at += 1
    cursor.takeMark(',')
  }
}

function parseUpdate(cursor: Cursor): NftStatement | undefined {
  const kind = (['add', 'update', 'delete'] as const).find((word) => word === cursor.word())
  cursor.at += 1
  const name = cursor.takeWord()
  if (kind === undefined || name?.startsWith('@') !== true || !cursor.takeMark('{')) return undefined
  const key = parseKey(cursor)
  const timeout = cursor.takeWords('timeout') ? parseDuration(cursor.takeWord() ?? '') : undefined
  if (key === undefined || !cursor.takeMark('}')) return undefined
  return { kind, set: name.slice(1), key, ...(timeout === undefined ? {} : { timeout }) }
}

function takeMarkField(cursor: Cursor): NftMark | undefined {
  if (cursor.takeWords('meta', 'mark')) return 'meta mark'
  return cursor.takeWords('ct', 'mark') ? 'ct mark' : undefined
}

const OPERATORS = { '&': 'and', and: 'and', '|': 'or', or: 'or', '^': 'xor', xor: 'xor' } as const

function isOperator(word: string): word is keyof typeof OPERATORS {
  return Object.hasOwn(OPERATORS, word)
}

function parseSetMark(cursor: Cursor): NftStatement | undefined {
  const start = cursor.at
  const field = takeMarkField(cursor)
  if (field === undefined || !cursor.takeWords('set')) {
    cursor.at = start
    return undefined
  }
  const from = takeMarkField(cursor)
  if (from === undefined) {
    const value = takeNumber(cursor)
    return value === undefined || isOperator(cursor.word() ?? '') ? undefined : { kind: 'set-mark', field, value }
  }
  const word = cursor.word() ?? ''
  if (!isOperator(word)) return { kind: 'set-mark', field, from }
  cursor.at += 1
  const value = takeNumber(cursor)
  // A second operator makes a formula of it.
  if (value === undefined || isOperator(cursor.word() ?? '')) return undefined
  return { kind: 'set-mark', field, from, operator: OPERATORS[word], value }
}

function takeNumber(cursor: Cursor): number | undefined {
  const word = cursor.takeWord() ?? ''
  return /^(?:0x[\da-f]{1,8}|\d{1,10})$/i.test(word) ? Number(word) : undefined
}

function parseComparison(cursor: Cursor): NftStatement | undefined {
  const key = parseKey(cursor)
  const [field] = key ?? []
  if (key === undefined || field === undefined) return undefined
  if (cursor.takeWords('vmap')) {
    const map = parseReference(cursor)
    return map === undefined ? undefined : { kind: 'vmap', key, map }
  }
  if (cursor.takeWords('&') || cursor.takeWords('and')) return parseMasked(cursor, field)
  const negated = cursor.takeWords('!=') ? ({ negated: true } as const) : {}
  cursor.takeWords('==')
  const set = parseReference(cursor)
  if (set !== undefined) return { kind: 'lookup', key, ...negated, set }
  const value = key.length === 1 ? takeList(cursor) : undefined
  return value === undefined || /^[<>!=]/.test(value) ? undefined : { kind: 'match', field, ...negated, value }
}

function parseMasked(cursor: Cursor, field: NftKeyPart): NftStatement | undefined {
  const mask = takeNumber(cursor)
  const negated = cursor.takeWords('!=')
  if (!negated && !cursor.takeWords('==')) return undefined
  const value = takeNumber(cursor)
  if ((field !== 'meta mark' && field !== 'ct mark') || mask === undefined || value === undefined) return undefined
  return { kind: 'masked-match', field, mask, ...(negated ? { negated } : {}), value }
}

/** `new,established` */
function takeList(cursor: Cursor): string | undefined {
  const words: string[] = []
  do {
    const word = cursor.takeValue()
    if (word === undefined) return undefined
    words.push(word)
  } while (cursor.takeMark(','))
  return words.join(',')
}
