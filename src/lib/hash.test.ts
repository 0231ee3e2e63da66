import assert from 'node:assert/strict'
import { test } from 'node:test'

import { base32Hash } from './hash.ts'

const vectors: readonly (readonly [string, string])[] = [
  ['ns1/svc1:p80tcp', 'XPGD46QRK7WJZT7O'],
  ['ns1/svc1:p80tcp10.180.0.1:80', 'SXIVWICOYRO3J4NJ'],
  ['ns1/svc1tcp', 'AQI2S6QIMU7PVVRP'],
  ['ns1/svc1:p80tcp[fd00::1]:80', 'T5UNFIPVCZXM3U7X'],
]

for (const [text, expected] of vectors) {
  test(`IPT-4: ${text} hashes to ${expected}`, () => assert.equal(base32Hash(text, 16), expected))
}

test('the length is honoured', () => assert.equal(base32Hash('ns1/svc1/tcp/p80', 8), 'ULMVA6XW'))
