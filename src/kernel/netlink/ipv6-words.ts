/**
 * IPv6 addresses to and from four 32-bit numbers, for loading and listing sets of a hundred thousand: ipaddr.js takes ten
 * times as long. Only the canonical spelling (RFC 5952) without an embedded IPv4 address is read here; the caller falls
 * back to the library for others.
 */

/** `false` for what is not plainly eight groups, one run of zeros possibly left out. */
export function readIpv6(text: string, into: Uint32Array): boolean {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0]
  let count = 0
  let digits = 0
  let value = 0
  /** Where the left out groups are. */
  let gap = -1
  const { length } = text
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 58) {
      if (digits > 0) {
        if (count > 7) return false
        groups[count] = value
        count += 1
        value = 0
        digits = 0
        if (at + 1 === length) return false
        if (text.charCodeAt(at + 1) !== 58) continue
      } else if (at > 0 || text.charCodeAt(1) !== 58) return false
      // The second colon.
      if (gap >= 0) return false
      gap = count
      at += 1
      continue
    }
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
    if (digit < 0 || digits === 4) return false
    value = value * 16 + digit
    digits += 1
  }
  if (digits > 0) {
    if (count > 7) return false
    groups[count] = value
    count += 1
  }
  if (gap < 0 ? count !== 8 : count > 7) return false
  const missing = 8 - count
  for (let word = 0; word < 4; word += 1) {
    const group = (index: number): number => {
      if (gap < 0 || index < gap) return groups[index] ?? 0
      return index < gap + missing ? 0 : (groups[index - missing] ?? 0)
    }
    into[word] = (group(2 * word) << 16) | group(2 * word + 1)
  }
  return true
}

export function printIpv6(bytes: Uint8Array): string {
  let best = -1
  let bestLength = 1
  let run = 0
  const groups: number[] = []
  for (let at = 0; at < 8; at += 1) {
    const group = ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)
    groups.push(group)
    run = group === 0 ? run + 1 : 0
    if (run > bestLength) {
      bestLength = run
      best = at + 1 - run
    }
  }
  let text = ''
  for (let at = 0; at < 8; at += 1) {
    if (at === best) {
      text += '::'
      at += bestLength - 1
      continue
    }
    if (text !== '' && !text.endsWith(':')) text += ':'
    text += (groups[at] ?? 0).toString(16)
  }
  return text
}
