import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NftChange, NftElement } from '#rulesets/nftables'
import { diff } from './diff.ts'
import { ownersOf } from './owners.ts'
import type { Fragment } from './program.ts'
import { fragmentOf } from './testing/sample-services.ts'
import type { ElementChange, Transaction } from './transaction.ts'
import { isEmpty, sizeOf } from './transaction.ts'

type Held = Readonly<Record<string, Fragment>>

/** From what is held to what it becomes; services that are not named stay. */
function change(held: Held, next: Readonly<Record<string, Fragment | undefined>>): Transaction {
  const owners = ownersOf(new Map(Object.entries(held)))
  const changes = Object.entries(next).map(([key, after]) => {
    const before = held[key]
    return { key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
  })
  return diff('IPv4', changes, owners)
}

/** `+ set key data`, `- set key`, `+ chain name`, … in the order that would hold if each were a batch of its own. */
function told(transaction: Transaction): string[] {
  return [
    ...transaction.steps.flatMap((step) =>
      step.kind === 'changes' ? step.changes.flatMap(words) : step.elements.flatMap(elementWords),
    ),
    ...transaction.removals.flatMap(words),
  ]
}

function elementWords({ set, add, remove }: ElementChange): string[] {
  return [
    ...(remove === undefined ? [] : [`- ${set.name} ${remove.key.join(' ')}`]),
    ...(add === undefined ? [] : [`+ ${set.name} ${add.key.join(' ')} ${dataOf(add)}`.trim()]),
  ]
}

function dataOf({ data }: NftElement): string {
  if (data === undefined) return ''
  if (!('verdict' in data)) return data.join(':')
  return 'chain' in data ? data.chain : data.verdict
}

function words(change: NftChange): string[] {
  if (change.change === 'add-chain') return [`+ chain ${change.chain.name}`]
  if (change.change === 'delete-chain') return [`- chain ${change.name}`]
  if (change.change === 'add-set') return [`+ set ${change.set.name}`]
  return change.change === 'delete-set' ? [`- set ${change.name}`] : []
}

const web = fragmentOf()
const at = '10.96.0.10 tcp 80'

test('equal fragments make no transaction', () => {
  const transaction = change({ 'ns/web': web }, { 'ns/web': fragmentOf() })
  assert.ok(isEmpty(transaction))
  assert.deepEqual(transaction.services, [])
})

test('CC-96 an endpoint replaced is one slot, and its hairpin', () => {
  const transaction = change({ 'ns/web': web }, { 'ns/web': fragmentOf({ hosts: [1, 3] }) })
  assert.deepEqual(told(transaction), [
    '+ hairpin-connections 10.244.1.3 10.244.1.3 tcp 8080',
    `- endpoints ${at} 1`,
    `+ endpoints ${at} 1 10.244.1.3:8080`,
    '- hairpin-connections 10.244.1.2 10.244.1.2 tcp 8080',
  ])
  assert.deepEqual(transaction.services, ['ns/web'])
  assert.equal(sizeOf(transaction).lines, 4)
})

test('slots stay dense: the list closes up before the chain for fewer is led to', () => {
  const more = fragmentOf({ hosts: [101, 102, 103] })
  const transaction = change({ 'ns/web': more }, { 'ns/web': fragmentOf({ hosts: [101, 103] }) })
  assert.deepEqual(told(transaction), [
    '+ chain spread-2',
    `- endpoints ${at} 1`,
    `+ endpoints ${at} 1 10.244.1.103:8080`,
    `- service-ips ${at}`,
    `+ service-ips ${at} spread-2`,
    `- endpoints ${at} 2`,
    '- chain spread-3',
  ])
})

test('a list grows before the chain for more is led to', () => {
  const lines = told(change({ 'ns/web': web }, { 'ns/web': fragmentOf({ hosts: [1, 2, 103] }) }))
  assert.deepEqual(lines.slice(0, 4), [
    '+ chain spread-3',
    `+ endpoints ${at} 2 10.244.1.103:8080`,
    `- service-ips ${at}`,
    `+ service-ips ${at} spread-3`,
  ])
})

test('losing the last endpoint refuses before it stops translating, and the other way round', () => {
  const none = fragmentOf({ hosts: [] })
  const lost = told(change({ 'ns/web': web }, { 'ns/web': none }))
  assert.ok(
    lost.indexOf(`+ no-endpoint-services ${at} reject-chain`) < lost.indexOf(`- service-ips ${at}`),
    lost.join('\n'),
  )
  const found = told(change({ 'ns/web': none }, { 'ns/web': web }))
  assert.ok(
    found.indexOf(`+ service-ips ${at} spread-2`) < found.indexOf(`- no-endpoint-services ${at}`),
    found.join('\n'),
  )
  assert.ok(found.indexOf(`+ endpoints ${at} 1 10.244.1.2:8080`) < found.indexOf(`+ service-ips ${at} spread-2`))
})

test('a chain that spreads stays as long as one service needs it', () => {
  const other = fragmentOf({ name: 'ns/other', clusterIP: '10.96.0.11', hosts: [101, 102] })
  assert.ok(!told(change({ 'ns/web': web, 'ns/other': other }, { 'ns/other': undefined })).includes('- chain spread-2'))
  assert.ok(told(change({ 'ns/other': other }, { 'ns/other': undefined })).includes('- chain spread-2'))
  assert.ok(!told(change({ 'ns/web': web }, { 'ns/other': other })).includes('+ chain spread-2'))
})

test('a pod behind two services stays a hairpin when one of them goes', () => {
  const other = fragmentOf({ name: 'ns/other', clusterIP: '10.96.0.11' })
  const held = { 'ns/web': web, 'ns/other': other }
  assert.deepEqual(
    told(change(held, { 'ns/other': undefined })).filter((line) => line.includes('hairpin')),
    [],
  )
  assert.deepEqual(
    told(change(held, { 'ns/web': undefined, 'ns/other': undefined })).filter((line) => line.includes('hairpin')),
    ['- hairpin-connections 10.244.1.1 10.244.1.1 tcp 8080', '- hairpin-connections 10.244.1.2 10.244.1.2 tcp 8080'],
  )
})

test('CC-58 CC-115 one external address of two services: the first has it, and the other when the first lets go', () => {
  const external = (name: string, host: number, clusterIP: string): Fragment =>
    fragmentOf({ name, clusterIP, externalIPs: ['203.0.113.9'], hosts: [host] })
  const ant = external('ns/ant', 101, '10.96.0.11')
  const zebra = external('ns/zebra', 102, '10.96.0.12')
  const place = '203.0.113.9 tcp 80'
  const shared = (lines: readonly string[]): string[] => lines.filter((line) => line.includes(place))
  assert.deepEqual(shared(told(change({ 'ns/ant': ant }, { 'ns/zebra': zebra }))), [])
  assert.deepEqual(shared(told(change({ 'ns/zebra': zebra }, { 'ns/ant': ant }))), [
    `- endpoints ${place} 0`,
    `+ endpoints ${place} 0 10.244.1.101:8080`,
    `- service-ips ${place}`,
    `+ service-ips ${place} spread-masquerade-1`,
  ])
  assert.deepEqual(shared(told(change({ 'ns/ant': ant, 'ns/zebra': zebra }, { 'ns/ant': undefined }))), [
    `- endpoints ${place} 0`,
    `+ endpoints ${place} 0 10.244.1.102:8080`,
    `- service-ips ${place}`,
    `+ service-ips ${place} spread-masquerade-1`,
  ])
  assert.deepEqual(shared(told(change({ 'ns/ant': ant, 'ns/zebra': zebra }, { 'ns/zebra': undefined }))), [])
})

test('a cluster IP that passes from one service to another in one batch', () => {
  const heir = fragmentOf({ name: 'ns/heir', hosts: [101] })
  const lines = told(change({ 'ns/web': web }, { 'ns/web': undefined, 'ns/heir': heir }))
  assert.ok(lines.includes(`+ service-ips ${at} spread-1`))
  assert.ok(lines.includes(`- endpoints ${at} 1`))
  assert.ok(!lines.includes('- cluster-ips 10.96.0.10'))
})

test('affinity turned off takes its chains and sets along (CC-92); another timeout is a rule alone (CC-91)', () => {
  const sticky = fragmentOf({ affinitySeconds: 600 })
  const off = told(change({ 'ns/web': sticky }, { 'ns/web': web }))
  assert.equal(off.filter((line) => /^- (?:chain|set) (?:endpoint|affinity|service)-/.test(line)).length, 5)
  const longer = change({ 'ns/web': sticky }, { 'ns/web': fragmentOf({ affinitySeconds: 60 }) })
  assert.deepEqual(longer.removals, [])
  assert.ok(
    told(longer).every((line) => line.startsWith('+ chain endpoint-')),
    told(longer).join('\n'),
  )
})
