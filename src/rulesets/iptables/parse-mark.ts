/** `value[/mask]` of the mark match and the MARK target: 32 bits each, decimal, hexadecimal or octal (strtoul, base 0). */
export type Mark = { readonly value: number; readonly mask: number }

export const FULL_MASK = 0xffffffff

export function parseMark(text: string): Mark | undefined {
  const [valueText = '', maskText, ...rest] = text.split('/')
  const value = parseWord(valueText)
  const mask = maskText === undefined ? FULL_MASK : parseWord(maskText)
  return value === undefined || mask === undefined || rest.length > 0 ? undefined : { value, mask }
}

function parseWord(text: string): number | undefined {
  const value = /^0[0-7]+$/.test(text)
    ? Number.parseInt(text, 8)
    : /^(?:0x[0-9a-f]+|\d+)$/i.test(text)
      ? Number(text)
      : Number.NaN
  return value <= FULL_MASK ? value : undefined
}
