import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFakeIptables } from './fake/iptables.ts'
import { createChainWatch, createRulesetWatch, watchedIptables } from './ruleset-watch.ts'

test('what we commit ourselves is no news, what others commit is, once', async () => {
  let generation = 4_294_967_290
  const watch = createRulesetWatch(() => Promise.resolve(generation >>> 0))
  assert.equal(await watch.foreign(), false)
  for (let round = 0; round < 5; round += 1) {
    await watch.own(3, () => Promise.resolve(void (generation += 3)))
    assert.equal(await watch.foreign(), false)
  }
  generation += 1
  assert.equal(await watch.foreign(), true)
  assert.equal(await watch.foreign(), false)
  await watch.own(1, () => Promise.resolve(void (generation += 2)))
  assert.equal(await watch.foreign(), true)
})

test('nothing is said while something of ours is under way', async () => {
  let generation = 7
  const watch = createRulesetWatch(() => Promise.resolve(generation))
  await watch.foreign()
  const gate = Promise.withResolvers<void>()
  const own = watch.own(2, async () => {
    generation += 1
    await gate.promise
    generation += 1
  })
  generation += 1
  assert.equal(await watch.foreign(), false)
  gate.resolve()
  await own
  assert.equal(await watch.foreign(), true)
})

test('after a failure the count starts anew', async () => {
  let generation = 1
  const watch = createRulesetWatch(() => Promise.resolve(generation))
  await watch.foreign()
  await assert.rejects(
    watch.own(3, () => (generation++, Promise.reject(new Error('no')))),
    /no/,
  )
  assert.equal(await watch.foreign(), false)
})

test('a watched door counts one commit a table section', async () => {
  const fake = createFakeIptables('IPv4')
  let generation = 0
  const watch = createRulesetWatch(() => Promise.resolve(generation))
  const door = watchedIptables({ ...fake, restore: (text) => ((generation += 2), fake.restore(text)) }, watch)
  await watch.foreign()
  await door.restore('*filter\n:KUBE-A -\nCOMMIT\n*nat\n:KUBE-A -\nCOMMIT\n')
  assert.equal(await watch.foreign(), false)
})

test('without a count, a flushed table and a lost jump are seen in the chains that hold them', async () => {
  const chains = new Map([['nat POSTROUTING', '-P POSTROUTING ACCEPT\n-A POSTROUTING -j KUBE-POSTROUTING\n']])
  const watch = createChainWatch((table, chain) => Promise.resolve(chains.get(`${table} ${chain}`) ?? ''))
  assert.equal(await watch.foreign(), false)
  assert.equal(await watch.foreign(), false)
  chains.set('nat POSTROUTING', '-P POSTROUTING ACCEPT\n')
  assert.equal(await watch.foreign(), true)
  await watch.own(1, () => Promise.resolve(chains.clear()))
  assert.equal(await watch.foreign(), false)
})
