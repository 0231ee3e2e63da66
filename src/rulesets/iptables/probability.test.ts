import assert from 'node:assert/strict'
import { test } from 'node:test'

import { formatFraction, fraction } from '#lib'

import { evaluate } from './evaluate.ts'
import { intendedProbability } from './probability.ts'
import { exampleHost, packetOf } from './testing/example-host.ts'
import { rulesetOf } from './testing/read-fixture.ts'

/** kube-proxy's ten decimals, the kernel's 31 bits, iptables-save's eleven decimals. */
function asPrinted(probability: number): number {
  const written = Number(probability.toFixed(10))
  return Number((Math.round(written * 2 ** 31) / 2 ** 31).toFixed(11))
}

test('IPT-25: the numbers that iptables-save was seen to print', () => {
  assert.equal(asPrinted(1 / 3), 0.33333333349)
  assert.deepEqual(intendedProbability(0.33333333349), fraction(1, 3))
  assert.deepEqual(intendedProbability(0.33333333302), fraction(1, 3), 'written by a tool that rounds down')
  assert.deepEqual(intendedProbability(0.1), fraction(1, 10))
  assert.deepEqual(intendedProbability(0), fraction(0))
  assert.deepEqual(intendedProbability(1), fraction(1))
})

test('IPT-25: 1/n comes back as 1/n, far beyond any number of endpoints', () => {
  for (let n = 1; n <= 5000; n += 1) {
    const found = intendedProbability(asPrinted(1 / n))
    if (found.numerator !== 1n || found.denominator !== BigInt(n)) assert.fail(`1/${n} became ${formatFraction(found)}`)
  }
})

test('a probability that is no simple fraction stays within the rounding', () => {
  const found = intendedProbability(0.123456789)
  assert.ok(Math.abs(Number(found.numerator) / Number(found.denominator) - 0.123456789) < 6e-10)
})

for (const count of [1, 2, 3, 7, 100, 1000]) {
  test(`${count} endpoints get exactly 1/${count} each`, () => {
    const endpoints = Array.from({ length: count }, (_, index) => index)
    const rules = endpoints.map((index) => {
      const left = count - index
      const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${asPrinted(1 / left).toFixed(11)}`
      return `-A SPREAD -p tcp${chance} -j DNAT --to-destination 10.20.1.1:${1000 + index}`
    })
    const text = ['*nat', ':PREROUTING ACCEPT', ':SPREAD -', '-A PREROUTING -j SPREAD', ...rules, 'COMMIT']
    const { outcomes, refused, rulesConsidered } = evaluate(
      rulesetOf(text.join('\n')),
      packetOf('IPv4'),
      exampleHost('IPv4'),
    )
    assert.equal(refused, undefined)
    assert.deepEqual(
      outcomes.map((outcome) => [outcome.packet.destinationPort, formatFraction(outcome.probability)]),
      endpoints.map((index) => [1000 + index, formatFraction(fraction(1, count))]),
    )
    assert.equal(rulesConsidered, count + 1)
  })
}
