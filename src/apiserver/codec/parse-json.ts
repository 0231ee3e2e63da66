/**
 * JSON with what JSON.parse keeps to itself: duplicate keys, each with its path as Kubernetes prints it
 * (`spec.ports[0].name`). Strict RFC 8259, bounded in depth; the last of two equal keys wins, as in Go.
 */
export type ParsedText =
  { readonly value: unknown; readonly duplicates: readonly string[] } | { readonly problem: string }

/** Objects of all kinds are shallower; what is deeper is an attack on the stack. */
export const MAX_DEPTH = 100

const MAX_DUPLICATES = 100
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

export function parseJson(text: string): ParsedText {
  const reader = new JsonReader(text)
  try {
    return { value: reader.document(), duplicates: reader.duplicates }
  } catch (error) {
    if (error instanceof JsonProblem) return { problem: error.message }
    throw error
  }
}

/** `metadata.labels` below a parent, `[3]` for items. */
export function childPath(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`
}

/** Ends the descent; never leaves this file. */
class JsonProblem extends Error {}

class JsonReader {
  readonly duplicates: string[] = []
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): unknown {
    const value = this.#value('')
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value')
    return value
  }

  #value(path: string): unknown {
    this.#space()
    switch (this.#text[this.#at] ?? '') {
      case '{':
        return this.#nested(() => this.#object(path))
      case '[':
        return this.#nested(() => this.#array(path))
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        return this.#number()
    }
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw new JsonProblem(`exceeded max depth of ${MAX_DEPTH}`)
    const value = read()
    this.#depth -= 1
    return value
  }

  #object(path: string): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#at += 1
    this.#space()
    if (this.#take('}')) return object
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string')
      const key = this.#string()
      const at = childPath(path, key)
      if (Object.hasOwn(object, key) && this.duplicates.length < MAX_DUPLICATES) this.duplicates.push(at)
      this.#space()
      if (!this.#take(':')) throw this.#unexpected('after object key')
      const value = this.#value(at)
      // A plain assignment to `__proto__` would change the object instead of giving it a key.
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
      else object[key] = value
      this.#space()
      if (this.#take('}')) return object
      if (!this.#take(',')) throw this.#unexpected('after object key:value pair')
    }
  }

  #array(path: string): unknown[] {
    const items: unknown[] = []
    this.#at += 1
    this.#space()
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#value(`${path}[${items.length}]`))
      this.#space()
      if (this.#take(']')) return items
      if (!this.#take(',')) throw this.#unexpected('after array element')
    }
  }

  #string(): string {
    this.#at += 1
    let out = ''
    for (;;) {
      out += this.#plain()
      if (this.#take('"')) return out
      if (!this.#take('\\')) throw this.#unexpected('in string literal')
      const escape = this.#text[this.#at] ?? ''
      const simple = ESCAPES[escape]
      if (simple !== undefined) {
        out += simple
        this.#at += 1
      } else {
        const hex = this.#text.slice(this.#at + 1, this.#at + 5)
        if (escape !== 'u' || !/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#unexpected('in string escape code')
        out += String.fromCharCode(Number.parseInt(hex, 16))
        this.#at += 5
      }
    }
  }

  /** Up to the next quote, escape or control character. */
  #plain(): string {
    const start = this.#at
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      // NaN, at the end of the text, fails the first comparison.
      if (!(code >= 0x20) || code === 0x22 || code === 0x5c) return this.#text.slice(start, this.#at)
      this.#at += 1
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at
    const digits = NUMBER.exec(this.#text)?.[0]
    if (digits === undefined) throw this.#unexpected('looking for beginning of value')
    this.#at += digits.length
    return Number(digits)
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected('looking for beginning of value')
    this.#at += word.length
    return value
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at += 1
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #unexpected(where: string): JsonProblem {
    const character = this.#text[this.#at]
    if (character === undefined) return new JsonProblem('unexpected end of JSON input')
    return new JsonProblem(`invalid character ${JSON.stringify(character).replaceAll('"', "'")} ${where}`)
  }
}
