/** Keys (`ip daddr . meta l4proto . th dport`) and the elements looked up with them. */
import type { NftElement, NftKeyPart, NftSetReference, NftVerdict } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { isField } from './fields.ts'
import { parseDuration } from './words.ts'

/** `undefined`, and the cursor where it was, if there is no key this language has a name for. */
export function parseKey(cursor: Cursor): NftKeyPart[] | undefined {
  const start = cursor.at
  const parts: NftKeyPart[] = []
  do {
    const part = parsePart(cursor)
    if (part === undefined) {
      cursor.at = start
      return undefined
    }
    parts.push(part)
  } while (cursor.takeWords('.'))
  return parts
}

function parsePart(cursor: Cursor): NftKeyPart | undefined {
  if (cursor.takeWords('numgen', 'random', 'mod')) {
    const modulus = cursor.takeWord() ?? ''
    if (cursor.word() === 'offset' && !cursor.takeWords('offset', '0')) return undefined
    return /^\d+$/.test(modulus) ? { numgen: 'random', modulus: Number(modulus) } : undefined
  }
  if (/^[io]ifname$/.test(cursor.word(1) ?? '')) cursor.takeWords('meta')
  for (const length of [3, 2, 1]) {
    const words = Array.from({ length }, (_, ahead) => cursor.word(ahead) ?? '').join(' ')
    if (!isField(words)) continue
    cursor.at += length
    return words
  }
  return undefined
}

/** `@name` or `{ … }` */
export function parseReference(cursor: Cursor): NftSetReference | undefined {
  const word = cursor.word()
  if (word?.startsWith('@') === true) {
    cursor.at += 1
    return { name: word.slice(1) }
  }
  const elements = parseElements(cursor)
  return elements === undefined ? undefined : { elements }
}

export function parseElements(cursor: Cursor): NftElement[] | undefined {
  const start = cursor.at
  if (!cursor.takeMark('{')) return undefined
  const elements: NftElement[] = []
  while (!cursor.takeMark('}')) {
    const element = parseElement(cursor)
    if (element === undefined || (!cursor.takeMark(',') && cursor.peek()?.text !== '}')) {
      cursor.at = start
      return undefined
    }
    elements.push(element)
  }
  return elements
}

function parseElement(cursor: Cursor): NftElement | undefined {
  const key = parseConcatenation(cursor)
  if (key === undefined) return undefined
  let element: NftElement = { key }
  for (;;) {
    if (cursor.takeMark(':')) {
      const data = parseVerdict(cursor) ?? parseConcatenation(cursor)
      return data === undefined ? undefined : { ...element, data }
    }
    const option = cursor.word()
    if (option === 'comment' && cursor.peek(1)?.kind === 'quoted') {
      cursor.at += 1
      element = { ...element, comment: cursor.takeQuoted() ?? '' }
    } else if (option === 'timeout' || option === 'expires') {
      cursor.at += 1
      const duration = parseDuration(cursor.takeWord() ?? '')
      if (duration === undefined) return undefined
      element = { ...element, [option]: duration }
    } else return element
  }
}

function parseConcatenation(cursor: Cursor): string[] | undefined {
  const values: string[] = []
  do {
    const value = cursor.takeValue()
    if (value === undefined) return undefined
    values.push(value)
  } while (cursor.takeWords('.'))
  return values
}

export function parseVerdict(cursor: Cursor): NftVerdict | undefined {
  const word = cursor.word()
  switch (word) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      cursor.at += 1
      return { verdict: word }
    case 'jump':
    case 'goto': {
      cursor.at += 1
      const chain = cursor.takeValue()
      return chain === undefined ? undefined : { verdict: word, chain }
    }
    case undefined:
    default:
      return undefined
  }
}
