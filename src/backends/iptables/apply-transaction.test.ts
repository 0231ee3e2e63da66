import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FakeIptables } from '#kernel'
import { createFakeIptables } from '#kernel'
import { SignalboxError } from '#lib'
import { createApplier } from './apply-transaction.ts'
import { draftTransaction } from './draft-transaction.ts'
import type { Transaction } from './transaction.ts'

/** Refuses what is longer than a netlink message would be. */
function bounded(lines: number, calls: number[] = []): FakeIptables {
  const fake = createFakeIptables('IPv4')
  return {
    ...fake,
    restore: (text) => {
      const length = text.split('\n').length - 3
      calls.push(length)
      return length > lines
        ? Promise.reject(new SignalboxError('SBX_IPTABLES_TOO_LARGE', 'sendmsg() failed: Message too long'))
        : fake.restore(text)
    },
  }
}

/** `services` times a list of `endpoints`, entered from KUBE-SERVICES, which is entered from OUTPUT. */
function load(services: number, endpoints: number): Transaction {
  const draft = draftTransaction('IPv4')
  draft.insert('nat', ['-I OUTPUT -j KUBE-SERVICES'])
  const names = Array.from({ length: services }, (_, index) => `${index}`)
  draft.fill(
    'nat',
    'KUBE-SERVICES',
    names.map((name) => `-s 10.0.0.${name}/32 -j KUBE-SVC-${name}`),
  )
  for (const name of names) {
    const eps = Array.from({ length: endpoints }, (_, index) => `KUBE-SEP-${name}-${index}`)
    draft.fill(
      'nat',
      `KUBE-SVC-${name}`,
      eps.map((sep) => `-j ${sep}`),
    )
    for (const sep of eps) draft.fill('nat', sep, ['-p tcp -m tcp -j DNAT --to-destination 10.244.0.1:80'])
  }
  return draft.seal([])
}

test('a large load arrives whole, in pieces, whatever order it was drafted in', async () => {
  const calls: number[] = []
  const fake = bounded(500, calls)
  await createApplier(fake)(load(60, 10))
  assert.ok(calls.length > 3)
  const chains = fake.ruleset().tables.get('nat')?.chains
  assert.equal(chains?.get('KUBE-SERVICES')?.rules.length, 60)
  assert.equal(chains.get('OUTPUT')?.rules.length, 1)
  assert.equal([...chains.keys()].filter((name) => name.startsWith('KUBE-SVC-')).length, 60)
})

test('pieces shrink until they fit, and what fitted is remembered', async () => {
  const calls: number[] = []
  const fake = bounded(150, calls)
  const apply = createApplier(fake)
  await apply(load(60, 10))
  assert.equal(fake.ruleset().tables.get('nat')?.chains.get('KUBE-SERVICES')?.rules.length, 60)
  const refused = calls.filter((lines) => lines > 150).length
  assert.equal(refused, 2)
  await apply(load(60, 10))
  assert.equal(calls.filter((lines) => lines > 150).length, refused)
})

test('a chain stays whole as long as the kernel takes it, and is filled in parts when not', async () => {
  const whole = createFakeIptables('IPv4')
  await createApplier(whole)(load(1, 600))
  const fillings = (fake: FakeIptables): number =>
    fake.restored.filter((text) => text.includes('-A KUBE-SVC-0 ')).length
  assert.equal(fillings(whole), 1)
  const parts = bounded(400)
  await createApplier(parts)(load(1, 600))
  assert.ok(fillings(parts) > 1)
  assert.equal(parts.ruleset().tables.get('nat')?.chains.get('KUBE-SVC-0')?.rules.length, 600)
})

test('removal in pieces never deletes a chain that is still referred to', async () => {
  const fake = bounded(500)
  const apply = createApplier(fake)
  await apply(load(60, 10))
  const draft = draftTransaction('IPv4')
  draft.remove('nat', ['-D OUTPUT -j KUBE-SERVICES'])
  for (const chain of fake.ruleset().tables.get('nat')?.chains.keys() ?? []) {
    if (chain.startsWith('KUBE-')) draft.drop('nat', chain)
  }
  await apply(draft.seal([]))
  assert.deepEqual(
    [...(fake.ruleset().tables.get('nat')?.chains.keys() ?? [])],
    ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  )
})

test("any other failure is the caller's", async () => {
  const fake = createFakeIptables('IPv4')
  fake.failNext(new SignalboxError('SBX_IPTABLES_REJECTED', 'no'))
  await assert.rejects(createApplier(fake)(load(60, 10)), { code: 'SBX_IPTABLES_REJECTED' })
})
