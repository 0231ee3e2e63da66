import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createLineSplitter } from './split-lines.ts'

test('any cut of the bytes, inside UTF-8 sequences too, gives the same lines', () => {
  const line = fc
    .array(fc.constantFrom('a', ' ', 'ü', '€', '🥊'), { minLength: 1 })
    .map((parts) => `x${parts.join('')}`)
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(40)), (lines, cuts) => {
      const expected = lines.map((text) => Buffer.from(text).toString('utf8'))
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
      const splitter = createLineSplitter(1 << 20)
      const seen: string[] = []
      let start = 0
      for (const cut of [...cuts, bytes.length]) {
        seen.push(...splitter.push(bytes.subarray(start, start + cut)))
        start = Math.min(bytes.length, start + cut)
      }
      assert.deepEqual(seen, expected)
      assert.equal(splitter.pending, false)
    }),
    { numRuns: 60 },
  )
})

test('an unfinished line is pending; an endless one is refused', () => {
  const splitter = createLineSplitter(10)
  assert.deepEqual(splitter.push(Buffer.from('abc')), [])
  assert.equal(splitter.pending, true)
  assert.throws(() => splitter.push(Buffer.from('defghijklmn')), RangeError)
})
