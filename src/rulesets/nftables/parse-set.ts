/** Sets and maps out of nft's words. */
import type { NftField, NftKeyPart, NftSet, NftSetFlag, NftType } from './ast.ts'
import { Cursor } from './cursor.ts'
import { isDeclarable, typeOf } from './fields.ts'
import { parseElements, parseKey } from './parse-key.ts'
import type { Token } from './tokenize.ts'
import { parseDuration } from './words.ts'

type Draft = { -readonly [Property in keyof NftSet]: NftSet[Property] }

export function parseSet(
  { name, lines }: { readonly name: string; readonly lines: readonly (readonly Token[])[] },
  kind: 'set' | 'map',
  { text }: { readonly text: string },
): NftSet {
  const set: Draft = { name, key: [], elements: [] }
  const others: string[] = []
  for (const line of lines) {
    const cursor = new Cursor(line)
    if (!parseProperty(set, cursor) || !cursor.done) others.push(text.slice(line[0]?.from, line.at(-1)?.to))
  }
  // A map whose data is not understood must not be taken for a set.
  const known = kind === 'set' || set.data !== undefined
  return { ...set, ...(known ? {} : { key: [] }), ...(others.length === 0 ? {} : { others }) }
}

function parseProperty(set: Draft, cursor: Cursor): boolean {
  switch (cursor.takeWord()) {
    case 'type':
      return parseTypes(set, cursor)
    case 'typeof':
      return parseTypeof(set, cursor)
    case 'flags':
      return parseFlags(set, cursor)
    case 'size':
      set.size = Number(cursor.takeWord())
      return Number.isInteger(set.size)
    case 'timeout': {
      const timeout = parseDuration(cursor.takeWord() ?? '')
      if (timeout !== undefined) set.timeout = timeout
      return timeout !== undefined
    }
    case 'comment': {
      const comment = cursor.takeQuoted()
      if (comment !== undefined) set.comment = comment
      return comment !== undefined
    }
    case 'elements': {
      const elements = cursor.takeWords('=') ? parseElements(cursor) : undefined
      if (elements !== undefined) set.elements = elements
      return elements !== undefined
    }
    case undefined:
    default:
      return false
  }
}

function parseTypes(set: Draft, cursor: Cursor): boolean {
  const key = takeTypes(cursor)
  if (key === undefined) return false
  if (cursor.takeMark(':')) {
    const data = cursor.takeWords('verdict') ? 'verdict' : takeTypes(cursor)
    if (data === undefined) return false
    set.data = data
  }
  set.key = key
  return true
}

function takeTypes(cursor: Cursor): NftType[] | undefined {
  const types: NftType[] = []
  do {
    const word = cursor.takeWord() ?? ''
    if (!isDeclarable(word)) return undefined
    types.push(word)
  } while (cursor.takeWords('.'))
  return types
}

function parseTypeof(set: Draft, cursor: Cursor): boolean {
  const key = parseKey(cursor)
  const types = key === undefined ? undefined : declarable(key)
  if (key === undefined || types === undefined) return false
  let data: readonly NftField[] | undefined
  if (cursor.takeMark(':')) {
    if (cursor.takeWords('verdict')) set.data = 'verdict'
    else {
      const parts = parseKey(cursor)
      const dataTypes = parts === undefined ? undefined : declarable(parts)
      data = parts?.filter((part): part is NftField => typeof part === 'string')
      if (dataTypes === undefined || data?.length !== parts?.length) return false
      set.data = dataTypes
    }
  }
  set.key = types
  set.typeof = { key, ...(data === undefined ? {} : { data }) }
  return true
}

function declarable(parts: readonly NftKeyPart[]): NftType[] | undefined {
  const types = parts.map(typeOf).filter(isDeclarable)
  return types.length === parts.length ? types : undefined
}

const FLAGS: readonly NftSetFlag[] = ['constant', 'dynamic', 'interval', 'timeout']

function parseFlags(set: Draft, cursor: Cursor): boolean {
  const flags: NftSetFlag[] = []
  do {
    const flag = FLAGS.find((name) => name === cursor.word())
    if (flag === undefined) return false
    flags.push(flag)
    cursor.at += 1
  } while (cursor.takeMark(','))
  set.flags = flags
  return true
}
