/**
 * A domain name as the bytes of its uncompressed wire form, one character a byte: `\x03web\x07default\x00`.
 *
 * Label boundaries and case survive (a dot inside a label is not a boundary; 0x20 echo needs the case as asked), `===`
 * compares, `Map` hashes, and a suffix is a slice. Length bytes are at most 63, below 'A', so lower-casing the string
 * lower-cases the labels only.
 */
declare const wireForm: unique symbol
export type Name = string & { readonly [wireForm]: true }

export const MAX_NAME_BYTES = 255
export const MAX_LABEL_BYTES = 63

export const ROOT = '\0' as Name

/** ASCII only: RFC 4343 leaves bytes above 0x7f alone. */
export function lowerName(name: Name): Name {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code >= 0x41 && code <= 0x5a) return name.replace(/[A-Z]+/g, (run) => run.toLowerCase()) as Name
  }
  return name
}

/** The labels from left to right, without the root; each one character a byte. */
export function labelsOf(name: Name): string[] {
  const labels: string[] = []
  for (let at = 0; ;) {
    const length = name.charCodeAt(at)
    if (!(length > 0)) return labels
    labels.push(name.slice(at + 1, at + 1 + length))
    at += 1 + length
  }
}

/** Undefined when a label is empty or longer than 63 bytes, or the whole longer than 255. */
export function nameFromLabels(labels: readonly string[]): Name | undefined {
  let text = ''
  for (const label of labels) {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) return undefined
    text += String.fromCharCode(label.length) + label
  }
  text += '\0'
  return text.length > MAX_NAME_BYTES ? undefined : (text as Name)
}

/** Labels put before a name; the caller knows that the labels are legal and the result is short enough. */
export function prefixName(labels: readonly string[], name: Name): Name {
  let text = ''
  for (const label of labels) text += String.fromCharCode(label.length) + label
  return (text + name) as Name
}

/** Where `zone` begins inside `name`, on a label boundary; -1 if `name` is not in it. Both lower case. */
export function zoneOffset(name: Name, zone: Name): number {
  const offset = name.length - zone.length
  if (offset < 0 || !name.endsWith(zone)) return -1
  let at = 0
  while (at < offset) at += 1 + name.charCodeAt(at)
  return at === offset ? offset : -1
}

/** Master-file text, with or without the trailing dot; `\.` and `\DDD` escapes are understood. */
export function nameFromText(text: string): Name | undefined {
  if (text === '.') return ROOT
  const labels: string[] = []
  let label = ''
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (char === '.') {
      labels.push(label)
      label = ''
    } else if (char === '\\') {
      const digits = /^\d{3}/.exec(text.slice(i + 1, i + 4))
      const code = digits === null ? text.charCodeAt(i + 1) : Number(digits[0])
      if (!(code <= 0xff)) return undefined
      label += String.fromCharCode(code)
      i += digits === null ? 1 : 3
    } else {
      if (text.charCodeAt(i) > 0xff) return undefined
      label += char
    }
  }
  if (label !== '') labels.push(label)
  return labels.length === 0 ? undefined : nameFromLabels(labels)
}

/** Master-file text with the trailing dot; dots, backslashes and unprintable bytes inside labels are escaped. */
export function nameToText(name: Name): string {
  const labels = labelsOf(name)
  return labels.length === 0 ? '.' : labels.map((label) => `${escapeBytes(label, /[^!-~]|[.\\";()@$]/g)}.`).join('')
}

/** The byte string with each byte the pattern matches escaped as `\c` or `\DDD`. */
export function escapeBytes(bytes: string, pattern: RegExp): string {
  return bytes.replace(pattern, (char) =>
    char >= '!' && char <= '~' ? `\\${char}` : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`,
  )
}
