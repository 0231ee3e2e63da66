import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { VALUE_WIDTHS, type ValueType } from './fields.ts'
import { parseInterval, printInterval } from './values.ts'
import { parseDuration, parsePriority, printDuration, printPriority } from './words.ts'

describe('intervals', () => {
  for (const type of ['ipv4_addr', 'ipv6_addr', 'inet_proto', 'inet_service', 'mark', 'integer'] as const) {
    test(`${type}: what is printed reads the same`, () => {
      const number = fc.bigInt({ min: 0n, max: (1n << BigInt(8 * VALUE_WIDTHS[type])) - 1n })
      fc.assert(
        fc.property(number, number, (a, b) => {
          const interval = a < b ? { from: a, to: b } : { from: b, to: a }
          assert.deepEqual(parseInterval(type, printInterval(type, interval)), interval)
        }),
      )
    })
  }
  const refused: readonly (readonly [ValueType, string])[] = [
    ['inet_service', '65536'],
    ['inet_service', 'http'],
    ['inet_service', '90-80'],
    ['ipv4_addr', 'fd00::1'],
    ['ipv4_addr', '10.0.0.0/33'],
    ['ipv6_addr', '10.0.0.0/8'],
    ['inet_proto', '256'],
    ['ifname', 'a-name-that-is-too-long'],
    ['ct_state', 'new,old'],
  ]
  for (const [type, text] of refused) {
    test(`${text} is no ${type}`, () => assert.equal(parseInterval(type, text), undefined))
  }
  test('names with a common beginning', () => {
    const { from, to } = parseInterval('ifname', 'veth*') ?? { from: 0n, to: 0n }
    const veth1 = parseInterval('ifname', 'veth1')?.from ?? -1n
    const other = parseInterval('ifname', 'vetg9')?.from ?? from
    assert.ok(veth1 >= from && veth1 <= to && other < from)
  })
})

describe('words', () => {
  test('durations', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e10 }), (time) => assert.equal(parseDuration(printDuration(time)), time)),
    )
    assert.equal(printDuration(93_784_005), '1d2h3m4s5ms')
  })
  test('priorities', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -400, max: 400 }),
        fc.constantFrom('prerouting' as const, 'output' as const, 'postrouting' as const),
        (priority, hook) => assert.equal(parsePriority(printPriority(priority, hook)), priority),
      ),
    )
    assert.equal(printPriority(-110, 'prerouting'), 'dstnat - 10')
    assert.equal(printPriority(-110, 'output'), '-110')
  })
})
