import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelsOf, lowerName, nameFromLabels, nameFromText, nameToText, ROOT, zoneOffset } from './name.ts'
import type { Name } from './name.ts'

const name = (text: string): Name => {
  const parsed = nameFromText(text)
  assert.ok(parsed !== undefined, text)
  return parsed
}

test('text and labels', () => {
  assert.equal(name('web.default'), '\x03web\x07default\0')
  assert.equal(name('web.default.'), name('web.default'))
  assert.equal(name('.'), ROOT)
  assert.deepEqual(labelsOf(name('a.bc.')), ['a', 'bc'])
  assert.deepEqual(labelsOf(ROOT), [])
})

test('a dot inside a label is not a boundary', () => {
  const odd = nameFromLabels(['a.b', 'c'])
  assert.ok(odd !== undefined)
  assert.notEqual(odd, name('a.b.c'))
  assert.equal(nameToText(odd), String.raw`a\.b.c.`)
  assert.equal(name(String.raw`a\.b.c.`), odd)
  assert.equal(name(String.raw`\097\003.c`), nameFromLabels(['a\x03', 'c']))
})

test('what is no name', () => {
  for (const text of ['', 'a..b', '.a', `${'x'.repeat(64)}.b`, 'ü\u{100}', `${'abcdefg.'.repeat(32)}`]) {
    assert.equal(nameFromText(text), undefined, text)
  }
  assert.equal(name('abcdefg.'.repeat(31)).length, 249)
})

test('lower case is ASCII only', () => {
  assert.equal(lowerName(name('WeB.Default')), name('web.default'))
  assert.equal(lowerName('\x02\xc0A\0' as Name), '\x02\xc0a\0')
  assert.equal(lowerName(`\x3f${'Z'.repeat(63)}\0` as Name), `\x3f${'z'.repeat(63)}\0`)
})

test('a zone begins on a label boundary', () => {
  const zone = name('cluster.local')
  assert.equal(zoneOffset(name('web.cluster.local'), zone), 4)
  assert.equal(zoneOffset(zone, zone), 0)
  assert.equal(zoneOffset(name('local'), zone), -1)
  assert.equal(zoneOffset(name('mycluster.local'), zone), -1)
  const forged = nameFromLabels(['x\x07cluster\x05local'])
  assert.ok(forged !== undefined)
  assert.equal(forged.endsWith(zone), true)
  assert.equal(zoneOffset(forged, zone), -1)
})
