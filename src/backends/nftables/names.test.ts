import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portNames, spreadChain } from './names.ts'

test("NFT-4 kube-proxy's own names", () => {
  assert.equal(portNames('ns1/svc1:p80', 'tcp').service, 'service-ULMVA6XW-ns1/svc1/tcp/p80')
  assert.equal(
    portNames('ns5/svc5:p80', 'tcp').endpoint('10.180.0.3:80'),
    'endpoint-GTK6MW7G-ns5/svc5/tcp/p80__10.180.0.3/80',
  )
  assert.equal(portNames('testing/service:http', 'tcp').external, 'external-P4ZYZVCF-testing/service/tcp/http')
})

test('NFT-4 an unnamed port leaves its slash, IPv6 has dots', () => {
  assert.match(portNames('ns/web', 'udp').local, /^local-[A-Z2-7]{8}-ns\/web\/udp\/$/)
  assert.match(
    portNames('ns/web', 'tcp').affinity('[fd00::1]:80'),
    /^affinity-[A-Z2-7]{8}-ns\/web\/tcp\/__fd00\.\.1\/80$/,
  )
})

test('CC-118 names that are cut stay apart, and within what the kernel takes', () => {
  const long = portNames(`${'n'.repeat(63)}/${'s'.repeat(180)}:http`, 'tcp')
  const [one, other] = [long.endpoint('10.0.0.1:80'), long.endpoint('10.0.0.2:80')]
  assert.notEqual(one, other)
  assert.ok(one.endsWith('...') && one.length <= 255, one)
})

test('a chain for each way to spread over a number of endpoints', () => {
  assert.equal(spreadChain('service', 'plain', 3), 'spread-3')
  assert.equal(spreadChain('nodeport', 'masquerade', 1), 'nodeport-spread-masquerade-1')
})
