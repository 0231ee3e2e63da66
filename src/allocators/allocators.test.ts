import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { addressToNumber, hasCode, parseCidr } from '#lib'
import fc from 'fast-check'

import type { AddressAllocator } from './address-allocator.ts'
import { createAddressAllocator, staticBandSize } from './address-allocator.ts'
import { createAllocationTransaction } from './allocation-transaction.ts'
import { createPortAllocator, staticPortBandSize } from './port-allocator.ts'

/** A fixed sequence, so that the same test picks the same addresses for ever. */
function sequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const zero = (): number => 0

describe('address bands (KEP-3070)', () => {
  const rows: readonly (readonly [number, bigint])[] = [
    [16, 256n],
    [20, 256n],
    [22, 64n],
    [24, 16n],
    [26, 16n],
    [28, 0n],
    [30, 0n],
  ]
  for (const [length, offset] of rows) {
    it(`/${length} keeps ${offset} addresses for people`, () =>
      assert.equal(staticBandSize(2n ** BigInt(32 - length)), offset))
  }

  const first: readonly (readonly [string, string])[] = [
    ['10.96.0.0/16', '10.96.1.1'],
    ['10.96.0.0/22', '10.96.0.65'],
    ['10.96.0.0/26', '10.96.0.17'],
    ['10.96.0.0/28', '10.96.0.1'],
    ['fd00:10:96::/112', 'fd00:10:96::101'],
    ['fd00::/64', 'fd00::101'],
  ]
  for (const [cidr, address] of first) {
    it(`${cidr} starts at ${address}`, () => {
      assert.equal(createAddressAllocator({ cidr, random: zero }).allocateNext('a'), address)
    })
  }

  it('the lower band is used when the upper is full, then nothing', () => {
    const pool = createAddressAllocator({ cidr: '10.96.0.0/27', random: zero })
    const taken = Array.from({ length: 30 }, () => pool.allocateNext('a'))
    assert.deepEqual(taken.slice(0, 2), ['10.96.0.17', '10.96.0.18'])
    assert.equal(taken[14], '10.96.0.1')
    assert.equal(new Set(taken).size, 30)
    assert.equal(pool.allocateNext('a'), undefined)
    assert.equal(pool.capacity, 30n)
  })

  it('IPv4 keeps network and broadcast address out, IPv6 uses its last address', () => {
    const v4 = createAddressAllocator({ cidr: '10.96.0.0/24', random: zero })
    assert.equal(v4.allocate('10.96.0.0', 'a'), 'out-of-range')
    assert.equal(v4.allocate('10.96.0.255', 'a'), 'out-of-range')
    assert.equal(v4.allocate('10.97.0.1', 'a'), 'out-of-range')
    assert.equal(v4.allocate('fd00::1', 'a'), 'out-of-range')
    const v6 = createAddressAllocator({ cidr: 'fd00::/120', random: zero })
    assert.equal(v6.allocate('fd00::', 'a'), 'out-of-range')
    assert.equal(v6.allocate('fd00::ff', 'a'), undefined)
  })

  it('IPv6 ranges wider than /64 and non-CIDRs are refused', () => {
    for (const cidr of ['fd00::/63', '10.96.0.0', 'x/8']) {
      assert.throws(
        () => createAddressAllocator({ cidr, random: zero }),
        (error) => hasCode(error, 'SBX_ALLOCATOR_CIDR'),
      )
    }
  })

  it('only the owner can release', () => {
    const pool = createAddressAllocator({ cidr: '10.96.0.0/24', random: zero })
    assert.equal(pool.allocate('10.96.0.9', 'a'), undefined)
    assert.equal(pool.allocate('10.96.0.9', 'b'), 'taken')
    pool.release('10.96.0.9', 'b')
    assert.equal(pool.ownerOf('10.96.0.9'), 'a')
    pool.release('10.96.0.9', 'a')
    assert.equal(pool.ownerOf('10.96.0.9'), undefined)
  })

  it('any history: no address twice, all in range, every free one reachable', () => {
    const range = parseCidr('10.96.0.0/27')
    assert.ok(range !== undefined)
    const step = fc.oneof(
      fc.constant({ op: 'next' as const }),
      fc.record({ op: fc.constant('take' as const), host: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ op: fc.constant('release' as const), host: fc.integer({ min: 0, max: 40 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
        const pool = createAddressAllocator({ cidr: '10.96.0.0/27', random: sequence(seed) })
        const held = new Set<string>()
        for (const one of steps) {
          if (one.op === 'next') {
            const address = pool.allocateNext('a')
            assert.equal(address === undefined, held.size === 30)
            if (address === undefined) continue
            assert.equal(held.has(address), false)
            const value = addressToNumber(address) ?? 0n
            assert.ok(value > range.first && value < range.last)
            held.add(address)
          } else {
            const address = `10.96.0.${one.host}`
            if (one.op === 'release') {
              pool.release(address, 'a')
              held.delete(address)
            } else if (pool.allocate(address, 'a') === undefined) {
              assert.equal(held.has(address), false)
              held.add(address)
            }
          }
          assert.equal(pool.used, held.size)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('the same random numbers give the same addresses', () => {
    const take = (pool: AddressAllocator): readonly (string | undefined)[] =>
      Array.from({ length: 5 }, () => pool.allocateNext('a'))
    const make = (): AddressAllocator => createAddressAllocator({ cidr: 'fd00::/64', random: sequence(7) })
    assert.deepEqual(take(make()), take(make()))
  })
})

describe('port bands (KEP-3668)', () => {
  const rows: readonly (readonly [number, number])[] = [
    [2768, 86],
    [10_000, 128],
    [100, 16],
    [16, 0],
  ]
  for (const [size, offset] of rows) {
    it(`${size} ports keep ${offset} for people`, () => assert.equal(staticPortBandSize(size), offset))
  }

  it('the default range starts at 30086 and ends in its lower band', () => {
    const ports = createPortAllocator({ random: zero })
    assert.equal(ports.allocateNext('a'), 30_086)
    const all = Array.from({ length: 2767 }, () => ports.allocateNext('a'))
    assert.equal(all[2681], 30_000)
    assert.equal(ports.allocateNext('a'), undefined)
  })

  it('allocate: range, taken, release by the owner only', () => {
    const ports = createPortAllocator({ random: zero })
    assert.equal(ports.allocate(80, 'a'), 'out-of-range')
    assert.equal(ports.allocate(30_000.5, 'a'), 'out-of-range')
    assert.equal(ports.allocate(30_000, 'a'), undefined)
    assert.equal(ports.allocate(30_000, 'b'), 'taken')
    ports.release(30_000, 'b')
    assert.equal(ports.allocate(30_000, 'b'), 'taken')
    ports.release(30_000, 'a')
    assert.equal(ports.allocate(30_000, 'b'), undefined)
  })

  it('a range outside 1-65535 is refused', () => {
    for (const range of [
      { first: 0, last: 10 },
      { first: 10, last: 9 },
      { first: 1, last: 65_536 },
    ]) {
      assert.throws(
        () => createPortAllocator({ range, random: zero }),
        (error) => hasCode(error, 'SBX_ALLOCATOR_PORT_RANGE'),
      )
    }
  })
})

describe('allocation transaction', () => {
  it('rolls back newest first, and only once', () => {
    const done: string[] = []
    const transaction = createAllocationTransaction()
    transaction.taken(() => done.push('first'))
    transaction.taken(() => done.push('second'))
    transaction.releaseLater(() => done.push('old'))
    transaction.rollback()
    transaction.rollback()
    transaction.commit()
    assert.deepEqual(done, ['second', 'first'])
  })

  it('commits the releases, and cannot be rolled back afterwards', () => {
    const done: string[] = []
    const transaction = createAllocationTransaction()
    transaction.taken(() => done.push('new'))
    transaction.releaseLater(() => done.push('old'))
    transaction.commit()
    transaction.rollback()
    assert.deepEqual(done, ['old'])
  })
})
