import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination, NodePlan, ServicePlan, ServicePortPlan } from '#dataplane'
import { createFakeIptables } from '#kernel'
import { diff } from './diff.ts'
import { findDrift } from './find-drift.ts'
import type { Fragment } from './program.ts'
import { reconcile } from './reconcile.ts'
import { renderService } from './render-service.ts'
import { renderStatic } from './render-static.ts'
import { entriesOfProgram } from './shared-entries.ts'
import { printTransaction } from './transaction.ts'

const NODE: NodePlan = {
  family: 'IPv4',
  masqueradeMark: 0x4000,
  masqueradeAll: false,
  localDetector: { kind: 'source', cidr: '10.244.0.0/16' },
  nodePortAddresses: { kind: 'all-local', loopback: true },
  localhostNodePorts: true,
  dropInvalid: true,
  serviceCIDRs: [],
}

function destinations(...hosts: readonly number[]): Destination[] {
  return hosts.map((host) => ({ key: `10.244.1.${host}:8080`, address: `10.244.1.${host}`, port: 8080, local: true }))
}

function fragment(change: Partial<ServicePortPlan> = {}): Fragment {
  const list = change.clusterDestinations ?? destinations(1, 2)
  const port: ServicePortPlan = {
    name: 'ns/web',
    protocol: 'tcp',
    servicePort: 80,
    clusterIP: '10.96.0.10',
    externalIPs: [],
    virtualIPs: [],
    sourceRanges: [],
    allowVirtualIPSources: false,
    internal: list.length > 0 ? { kind: 'forward', list: 'cluster' } : { kind: 'reject' },
    internalMasquerade: 'sources-outside-pods',
    externalSources: 'everyone',
    clusterDestinations: list,
    localDestinations: [],
    reachable: list,
    ...change,
  }
  const plan: ServicePlan = { key: 'ns/web', family: 'IPv4', ports: [port] }
  return renderService(plan, NODE)
}

function holding(fragment: Fragment | undefined): ReturnType<typeof entriesOfProgram> {
  const services = new Map(fragment === undefined ? [] : [['ns/web', fragment]])
  return entriesOfProgram({ family: 'IPv4', static: renderStatic(NODE), services })
}

function textOf(before: Fragment | undefined, after: Fragment | undefined): string {
  const change = {
    key: 'ns/web',
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  }
  return printTransaction(diff(holding(before), [change]))
}

test('equal fragments make no transaction', () => {
  assert.equal(textOf(fragment(), fragment()), '')
})

test('CC-96 an endpoint change: its list, the new endpoint, the old one; the shared chain is not touched', () => {
  const lines = textOf(fragment(), fragment({ clusterDestinations: destinations(1, 3) })).split('\n')
  assert.equal(lines.filter((line) => line.startsWith(':')).length, 3)
  assert.equal(lines.filter((line) => line.startsWith('-X KUBE-SEP-')).length, 1)
  assert.ok(!lines.some((line) => line.includes('KUBE-SERVICES')))
  assert.ok(!lines.includes('*filter'))
})

test('a new frontend is one inserted line', () => {
  const text = textOf(
    fragment(),
    fragment({ externalIPs: ['203.0.113.1'], external: { kind: 'forward', list: 'cluster' } }),
  )
  const shared = text.split('\n').filter((line) => / KUBE-SERVICES /.test(line))
  const [line = '', ...rest] = shared
  assert.deepEqual(rest, [])
  assert.match(
    line,
    /^-I KUBE-SERVICES -d 203\.0\.113\.1\/32 -p tcp -m comment --comment "ns\/web external IP" -m tcp --dport 80 -j KUBE-EXT-\w{16}$/,
  )
})

test('losing the last endpoint refuses in filter before nat stops translating, and the other way round', () => {
  const some = fragment()
  const none = fragment({ clusterDestinations: [] })
  const order = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => /^\*|^-[ID] KUBE-SERVICES/.test(line))
      .map((line) => line.slice(0, 7).trim())
  assert.deepEqual(order(textOf(some, none)), ['*filter', '-I KUBE', '*nat', '-D KUBE'])
  assert.deepEqual(order(textOf(none, some)), ['*nat', '-I KUBE', '*filter', '-D KUBE'])
})

test('CC-95 removal flushes and deletes every chain it had', () => {
  const gone = fragment()
  const text = textOf(gone, undefined)
  for (const chain of gone.chains.keys()) {
    assert.match(text, new RegExp(`^:${chain} `, 'm'))
    assert.match(text, new RegExp(`^-X ${chain}$`, 'm'))
  }
})

test('a transaction applied to what it was computed from gives what it was computed for', async () => {
  const steps = [
    fragment(),
    fragment({ clusterDestinations: [] }),
    fragment({ affinitySeconds: 60 }),
    fragment({ nodePort: 30080, external: { kind: 'drop' }, externalSources: 'short-circuit' }),
    fragment({
      virtualIPs: ['198.51.100.1'],
      sourceRanges: ['10.0.0.0/8'],
      external: { kind: 'forward', list: 'cluster' },
    }),
    undefined,
    fragment(),
  ]
  const fake = createFakeIptables('IPv4')
  const program = (held: Fragment | undefined): Parameters<typeof findDrift>[1] => ({
    family: 'IPv4',
    static: renderStatic(NODE),
    services: new Map(held === undefined ? [] : [['ns/web', held]]),
  })
  await fake.restore(printTransaction(reconcile(fake.ruleset(), program(undefined))))
  let held: Fragment | undefined
  for (const next of steps) {
    const text = textOf(held, next)
    if (text !== '') await fake.restore(text)
    held = next
    assert.deepEqual(findDrift(fake.ruleset(), program(held)), [])
  }
})

test('findDrift names what is missing, stale, changed and misplaced', () => {
  const fake = createFakeIptables('IPv4')
  const program = { family: 'IPv4' as const, static: renderStatic(NODE), services: new Map([['ns/web', fragment()]]) }
  assert.ok(findDrift(fake.ruleset(), program).some(({ kind }) => kind === 'missing-jump'))
  fake.meddle(printTransaction(reconcile(fake.ruleset(), program)))
  assert.deepEqual(findDrift(fake.ruleset(), program), [])
  const [svc = ''] = fragment().chains.keys()
  fake.meddle(
    `*nat\n:KUBE-SVC-OLD - [0:0]\n:${svc} - [0:0]\n-I KUBE-NODEPORTS -p tcp -m tcp --dport 1 -j KUBE-MARK-MASQ\n-A KUBE-SERVICES -j RETURN\nCOMMIT\n`,
  )
  assert.deepEqual(
    findDrift(fake.ruleset(), program).map(({ kind, chain }) => `${kind} ${chain}`),
    [
      `changed-chain ${svc}`,
      'stale-chain KUBE-SVC-OLD',
      'changed-chain KUBE-SERVICES',
      'changed-entries KUBE-NODEPORTS',
    ],
  )
})
