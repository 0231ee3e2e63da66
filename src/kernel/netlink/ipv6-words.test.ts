import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { numberToAddress } from '#lib'

import { printIpv6, readIpv6 } from './ipv6-words.ts'

const words = new Uint32Array(4)
const numbers = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | group, 0n))

test('reads and prints as the library does', () => {
  fc.assert(
    fc.property(numbers, (value) => {
      const text = numberToAddress(value, 'IPv6')
      assert.equal(readIpv6(text, words), true, text)
      assert.equal(
        words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n),
        value,
      )
      assert.equal(printIpv6(Buffer.from(value.toString(16).padStart(32, '0'), 'hex')), text)
    }),
  )
})

const refused = [
  '',
  ':',
  ':::',
  '1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '::ffff:10.0.0.1',
  'FD00::1',
  '1:',
  ':1',
  '12345::',
  '1:2:3:4:5:6:7:8::',
  'g::',
  'fe80::1%eth0',
]
for (const text of refused) {
  test(`"${text}" is left to the library`, () => {
    assert.equal(readIpv6(text, words), false)
  })
}
