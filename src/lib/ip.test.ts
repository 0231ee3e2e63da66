import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { test } from 'node:test'

import fc from 'fast-check'

import {
  addressToNumber,
  canonicalAddress,
  cidrContains,
  familyOf,
  formatCidr,
  joinHostPort,
  numberToAddress,
  parseCidr,
} from './ip.ts'

test('IN-18: leading zeros are read as decimal and dropped', () => {
  assert.equal(canonicalAddress('172.030.000.041'), '172.30.0.41')
  assert.equal(canonicalAddress('010.0.0.1'), '10.0.0.1')
})

test('IPv6 is printed in its shortest form', () => {
  assert.equal(canonicalAddress('FD00:0:0:0::0001'), 'fd00::1')
})

for (const bad of ['', '1.2.3', '0x7f.1', '1.2.3.256', '1.2.3.4.5', 'fe80::1%eth0', '1.2.3.4/24', 'abc', ':::']) {
  test(`${JSON.stringify(bad)} is no address`, () => assert.equal(canonicalAddress(bad), undefined))
}

test('every address that node:net accepts is accepted, with the same family', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      assert.equal(familyOf(text), isIP(text) === 4 ? 'IPv4' : 'IPv6')
    }),
  )
})

test('address, number and back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const family = familyOf(text)
      const value = addressToNumber(text)
      assert.ok(family !== undefined && value !== undefined)
      assert.equal(numberToAddress(value, family), canonicalAddress(text))
    }),
  )
})

test('a CIDR clears its host bits and knows its range', () => {
  const cidr = parseCidr('10.96.3.7/16')
  assert.ok(cidr)
  assert.equal(formatCidr(cidr), '10.96.0.0/16')
  assert.ok(cidrContains(cidr, '10.96.255.255'))
  assert.ok(!cidrContains(cidr, '10.97.0.0'))
  assert.ok(!cidrContains(cidr, 'fd00::1'))
})

for (const bad of ['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/-1', '10.0.0.0/8x', '/8']) {
  test(`${bad} is no CIDR`, () => assert.equal(parseCidr(bad), undefined))
}

test('TG-40: IPv6 endpoints are bracketed', () => {
  assert.equal(joinHostPort('fd00::1', 80), '[fd00::1]:80')
  assert.equal(joinHostPort('10.0.0.1', 80), '10.0.0.1:80')
})
