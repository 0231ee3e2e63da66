/**
 * Byte chunks to lines, for watch streams. Cuts at the byte 0x0a, which is never part of a longer UTF-8 sequence, and
 * decodes whole lines only, so a chunk may end anywhere.
 */
const NEWLINE = 0x0a

export interface LineSplitter {
  /** Lines completed by this chunk, without empty ones. Throws RangeError if a line grows beyond the limit. */
  push(chunk: Buffer): string[]
  /** Whether bytes of an unfinished line are held. */
  readonly pending: boolean
}

export function createLineSplitter(limit: number): LineSplitter {
  let parts: Buffer[] = []
  let held = 0

  const take = (last: Buffer): string => {
    if (held + last.length > limit) throw new RangeError(`line is over ${limit} bytes`)
    const line = held === 0 ? last.toString('utf8') : Buffer.concat([...parts, last]).toString('utf8')
    parts = []
    held = 0
    return line
  }

  return {
    push: (chunk) => {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        const line = take(chunk.subarray(start, end))
        if (line.trim() !== '') lines.push(line)
        start = end + 1
      }
      if (start < chunk.length) {
        held += chunk.length - start
        parts.push(chunk.subarray(start))
        if (held > limit) throw new RangeError(`line is over ${limit} bytes`)
      }
      return lines
    },
    get pending() {
      return held > 0
    },
  }
}
