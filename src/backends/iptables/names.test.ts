import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointChain, isServiceChain, portChains } from './names.ts'

test("IPT-1 IPT-2 IPT-3 IPT-4 kube-proxy's own names", () => {
  assert.equal(portChains('ns1/svc1:p80', 'tcp').svc, 'KUBE-SVC-XPGD46QRK7WJZT7O')
  assert.equal(endpointChain('ns1/svc1:p80', 'tcp', '10.180.0.1:80'), 'KUBE-SEP-SXIVWICOYRO3J4NJ')
  assert.equal(portChains('ns2/svc2:p80', 'tcp').ext, 'KUBE-EXT-GNZBNJ2PO5MGZ6GT')
  assert.equal(portChains('ns5/svc5:p80', 'tcp').fw, 'KUBE-FW-NUKIZ6OKUXPJNT4C')
  assert.equal(endpointChain('ns5/svc5:p80', 'tcp', '10.180.0.3:80'), 'KUBE-SEP-I77PXRDZVX7PMWMN')
  assert.equal(portChains('ns1/svc1:p80', 'udp').svl, 'KUBE-SVL-OJWW7NSBVZTDHXNW')
  assert.equal(portChains('ns1/svc1', 'tcp').svc, 'KUBE-SVC-AQI2S6QIMU7PVVRP')
  assert.equal(endpointChain('ns1/svc1:p80', 'tcp', '[fd00::1]:80'), 'KUBE-SEP-T5UNFIPVCZXM3U7X')
})

test('IPT-3 no name is longer than the kernel takes', () => {
  for (const name of Object.values(portChains('a-very-long-namespace/a-very-long-name:a-port', 'sctp')))
    assert.ok(name.length <= 28, name)
})

test('IPT-5 ours per service is a matter of the prefix', () => {
  assert.ok(isServiceChain('KUBE-SVC-x'))
  assert.ok(!isServiceChain('KUBE-SERVICES'))
  assert.ok(!isServiceChain('KUBE-MARK-MASQ'))
})
