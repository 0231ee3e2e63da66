/**
 * Cuts a line of `iptables-save` into words the way iptables-restore does: blanks separate, double quotes hold together,
 * and a backslash inside quotes takes the next character as it is (xshared.c, add_param_to_argv).
 */
export type Word = {
  /** As written, quotes and backslashes included: what has to be printed to get the same word again. */
  readonly raw: string
  /** What iptables reads. */
  readonly text: string
}

/** `undefined` if a quote is not closed. */
export function tokenize(line: string): readonly Word[] | undefined {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    if (isBlank(line[at])) {
      at += 1
      continue
    }
    const word = readWord(line, at)
    if (word === undefined) return undefined
    words.push(word)
    at += word.raw.length
  }
  return words
}

const UNQUOTED = /^[-_0-9A-Za-z]+$/

/** A word in the form iptables-save gives user text: bare if it is plain, else quoted with `"`, `\` and `'` escaped. */
export function quote(text: string): string {
  if (UNQUOTED.test(text)) return text
  // A line break would end the command and start another one: text of users must not be able to say that.
  const oneLine = text.replaceAll(/[\n\r\0]/g, ' ')
  return `"${oneLine.replaceAll(/["'\\]/g, (character) => `\\${character}`)}"`
}

function readWord(line: string, start: number): Word | undefined {
  let text = ''
  let quoted = false
  let at = start
  for (; at < line.length; at += 1) {
    const character = line[at] ?? ''
    if (quoted && character === '\\') {
      at += 1
      text += line[at] ?? ''
    } else if (character === '"') {
      quoted = !quoted
    } else if (!quoted && isBlank(character)) {
      break
    } else {
      text += character
    }
  }
  return quoted ? undefined : { raw: line.slice(start, at), text }
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
