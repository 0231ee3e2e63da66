/** A place in a list of tokens, and what can be asked there. Sub-parsers move it only when they recognise something. */
import type { Token } from './tokenize.ts'

export class Cursor {
  readonly #tokens: readonly Token[]
  at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get done(): boolean {
    return this.at >= this.#tokens.length
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.at + ahead]
  }

  /** The text of a word `ahead`; nothing for quoted texts and marks. */
  word(ahead = 0): string | undefined {
    const token = this.peek(ahead)
    return token?.kind === 'word' ? token.text : undefined
  }

  next(): Token | undefined {
    const token = this.#tokens[this.at]
    this.at += 1
    return token
  }

  /** Moves over these words if they are what comes next. */
  takeWords(...words: readonly string[]): boolean {
    if (!words.every((word, ahead) => this.word(ahead) === word)) return false
    this.at += words.length
    return true
  }

  takeMark(mark: string): boolean {
    const token = this.peek()
    if (token?.kind !== 'mark' || token.text !== mark) return false
    this.at += 1
    return true
  }

  takeWord(): string | undefined {
    const word = this.word()
    if (word !== undefined) this.at += 1
    return word
  }

  /** A word or a quoted text. */
  takeValue(): string | undefined {
    const token = this.peek()
    if (token?.kind !== 'word' && token?.kind !== 'quoted') return undefined
    this.at += 1
    return token.text
  }

  takeQuoted(): string | undefined {
    const token = this.peek()
    if (token?.kind !== 'quoted') return undefined
    this.at += 1
    return token.text
  }

  skipNewlines(): void {
    while (this.peek()?.kind === 'newline') this.at += 1
  }

  /** Up to the end of the line or a `;`, braces included with all that is in them. */
  takeLine(): Token[] {
    const line: Token[] = []
    let depth = 0
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (depth === 0 && (token.kind === 'newline' || (token.kind === 'mark' && /[;}]/.test(token.text)))) break
      if (token.kind === 'mark') depth += token.text === '{' ? 1 : token.text === '}' ? -1 : 0
      if (token.kind !== 'newline') line.push(token)
      this.at += 1
    }
    if (this.peek()?.kind === 'newline' || this.peek()?.text === ';') this.at += 1
    return line
  }
}
