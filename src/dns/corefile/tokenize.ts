/** Text to tokens, as the Caddyfile grammar that Corefiles follow has them: words, quoted strings, comments, variables. */
import type { Place } from './syntax.ts'
import { refuse } from './syntax.ts'

export type Token = Place & { readonly text: string; readonly quoted: boolean }

export type TokenizeOptions = {
  readonly file: string
  /** For `{$NAME}` and `{%NAME%}`. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const WORD = /[^\s"]\S*/y

export function tokenize(text: string, options: TokenizeOptions): Token[] {
  const { file } = options
  const tokens: Token[] = []
  let line = 1
  for (let at = 0; at < text.length;) {
    const char = text.charAt(at)
    if (char === '\n') line++
    if (/\s/.test(char)) at++
    else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (char === '"') {
      const quoted = readQuoted(text, at)
      if (quoted === undefined) refuse({ file, line }, 'a quotation mark is not closed')
      tokens.push({ file, line, text: withVariables(quoted.text, options.env), quoted: true })
      line += quoted.text.split('\n').length - 1
      at = quoted.end
    } else {
      WORD.lastIndex = at
      const [word = char] = WORD.exec(text) ?? []
      tokens.push({ file, line, text: withVariables(word, options.env), quoted: false })
      at += word.length
    }
  }
  return tokens
}

/** Only `\"` is an escape: patterns are full of other backslashes. */
function readQuoted(text: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') return { text: value, end: at + 1 }
    if (char === '\\' && text.charAt(at + 1) === '"') at++
    value += text.charAt(at)
  }
  return undefined
}

function withVariables(text: string, env: TokenizeOptions['env']): string {
  return text.replace(
    /\{\$(\w+)\}|\{%(\w+)%\}/g,
    (_, unix?: string, windows?: string) => env[unix ?? windows ?? ''] ?? '',
  )
}
