/**
 * Tokens to server blocks. Snippets and imports are put in place here, so that what follows sees one flat file; each line
 * keeps the file and line it came from.
 */
import type { Directive, Place, ServerBlock } from './syntax.ts'
import { refuse } from './syntax.ts'
import type { Token, TokenizeOptions } from './tokenize.ts'
import { tokenize } from './tokenize.ts'

export type ParseOptions = TokenizeOptions & {
  /** The texts of the files a pattern stands for, relative to the file that imports; none if there is none. */
  readonly readFiles: (pattern: string, from: string) => readonly { readonly file: string; readonly text: string }[]
}

/** An import that imports itself ends here. */
const MAX_DEPTH = 10

export function parseCorefile(text: string, options: ParseOptions): readonly ServerBlock[] {
  const parser = new Parser(tokenize(text, options), options, { depth: 0, snippets: new Map() })
  return parser.blocks()
}

type Snippets = Map<string, readonly Token[]>
type Outer = { readonly depth: number; readonly snippets: Snippets }

class Parser {
  readonly #tokens: readonly Token[]
  readonly #options: ParseOptions
  readonly #depth: number
  readonly #snippets: Snippets
  #at = 0

  constructor(tokens: readonly Token[], options: ParseOptions, outer: Outer) {
    this.#tokens = tokens
    this.#options = options
    this.#depth = outer.depth
    this.#snippets = outer.snippets
  }

  blocks(): ServerBlock[] {
    const blocks: ServerBlock[] = []
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.text === 'import' && !token.quoted) blocks.push(...this.#importedBlocks())
      else {
        const block = this.#block(token)
        if (block !== undefined) blocks.push(block)
      }
    }
    return blocks
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at]
  }

  /** The rest of the line the last token was on. */
  #restOfLine(first: Token): Token[] {
    const rest: Token[] = []
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next.line !== first.line || next.file !== first.file) break
      rest.push(next)
      this.#at++
    }
    return rest
  }

  #block(first: Token): ServerBlock | undefined {
    const keys: string[] = []
    let last = first
    for (let token = this.#peek(); ; token = this.#peek()) {
      if (token === undefined) refuse(last, 'the block of this server is missing: { expected')
      this.#at++
      if (isMark(token, '{')) break
      if (token.line !== last.line && !last.text.endsWith(',')) refuse(token, '{ expected')
      keys.push(...token.text.split(',').filter((key) => key !== ''))
      last = token
    }
    const [key = ''] = keys
    if (keys.length === 0) refuse(first, 'a server block needs a zone in front of {')
    if (/^\(.+\)$/.test(key)) {
      this.#snippets.set(key.slice(1, -1), this.#tokensOfBlock(first))
      return undefined
    }
    return { file: first.file, line: first.line, keys, directives: this.#directives(first) }
  }

  #tokensOfBlock(opened: Place): Token[] {
    const inside: Token[] = []
    let depth = 1
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      this.#at++
      if (isMark(token, '{')) depth++
      if (isMark(token, '}') && --depth === 0) return inside
      inside.push(token)
    }
    return refuse(opened, 'this block is not closed: } expected')
  }

  /** Up to the closing brace; `opened` undefined: up to the end. */
  #directives(opened: Place | undefined): Directive[] {
    const directives: Directive[] = []
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      this.#at++
      if (isMark(token, '}')) {
        if (opened === undefined) refuse(token, 'unexpected }')
        return directives
      }
      if (isMark(token, '{')) refuse(token, 'unexpected {')
      const rest = this.#restOfLine(token)
      if (token.text === 'import' && !token.quoted) {
        directives.push(...this.#importedDirectives(token, rest))
        continue
      }
      const opens = rest.at(-1)
      const hasBlock = opens !== undefined && isMark(opens, '{')
      const args = (hasBlock ? rest.slice(0, -1) : rest).map(({ text }) => text)
      const { file, line, text: name } = token
      directives.push({ file, line, name, args, block: hasBlock ? this.#directives(token) : undefined })
    }
    return opened === undefined ? directives : refuse(opened, 'this block is not closed: } expected')
  }

  #importedBlocks(): ServerBlock[] {
    const token = this.#peek() as Token
    this.#at++
    const rest = this.#restOfLine(token)
    return this.#files(token, rest).flatMap((tokens) => this.#inner(tokens).blocks())
  }

  #importedDirectives(token: Token, rest: readonly Token[]): Directive[] {
    const [name, ...args] = rest.map(({ text }) => text)
    const snippet = this.#snippets.get(name ?? '')
    const sources = snippet === undefined ? this.#files(token, rest) : [snippet]
    return sources.flatMap((tokens) => this.#inner(withArguments(tokens, args)).#directives(undefined))
  }

  #files(token: Token, rest: readonly Token[]): Token[][] {
    const [pattern] = rest
    if (pattern === undefined) refuse(token, 'import needs the name of a snippet or of a file')
    const files = this.#options.readFiles(pattern.text, token.file)
    if (files.length === 0) refuse(token, `there is no snippet and no file ${pattern.text}`)
    return files.map(({ file, text }) => tokenize(text, { ...this.#options, file }))
  }

  #inner(tokens: readonly Token[]): Parser {
    const [first] = tokens
    if (this.#depth >= MAX_DEPTH && first !== undefined) refuse(first, 'imports are nested too deeply')
    return new Parser(tokens, this.#options, { depth: this.#depth + 1, snippets: this.#snippets })
  }
}

function isMark(token: Token, mark: '{' | '}'): boolean {
  return token.text === mark && !token.quoted
}

/** `{args[0]}`, or `{args.0}` as it was written before. */
function withArguments(tokens: readonly Token[], args: readonly string[]): Token[] {
  return tokens.map((token) => ({
    ...token,
    text: token.text.replace(/\{args[[.](\d+)\]?\}/g, (_, index: string) => args[Number(index)] ?? ''),
  }))
}
