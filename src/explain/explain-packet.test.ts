import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { EndpointSlice, Service } from '#api'
import { buildServiceModel, nodeFactsOf } from '#model'
import { parseIptablesSave } from '#rulesets/iptables'
import { parseNftRuleset } from '#rulesets/nftables'

import type { Rules } from './evaluate-rules.ts'
import { explainPacket } from './explain-packet.ts'
import type { Question } from './explanation.ts'
import { formatExplanation } from './format-explanation.ts'
import { readHostFacts } from './read-host-facts.ts'

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    type: 'NodePort',
    clusterIP: '10.96.0.9',
    clusterIPs: ['10.96.0.9'],
    ipFamilies: ['IPv4'],
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }],
  },
}

function slice(endpoints: EndpointSlice['endpoints']): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints,
  }
}

const endpoint = (ip: string, ready: boolean): NonNullable<EndpointSlice['endpoints']>[number] => ({
  addresses: [ip],
  conditions: { ready, serving: ready, terminating: false },
  nodeName: 'n1',
  targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${ip.split('.').at(-1)}` },
})

/** Three of the four endpoints in hand-written rules in kube-proxy's layout, as iptables-save prints them. */
const rules = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-SVC-WEB - [0:0]
:KUBE-SEP-2 - [0:0]
:KUBE-SEP-3 - [0:0]
:KUBE-SEP-4 - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.9/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-WEB
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-SVC-WEB
-A KUBE-SVC-WEB -m statistic --mode random --probability 0.33333333349 -j KUBE-SEP-2
-A KUBE-SVC-WEB -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-3
-A KUBE-SVC-WEB -j KUBE-SEP-4
-A KUBE-SEP-2 -p tcp -m tcp -j DNAT --to-destination 10.244.1.2:8080
-A KUBE-SEP-3 -p tcp -m tcp -j DNAT --to-destination 10.244.1.3:8080
-A KUBE-SEP-4 -p tcp -m tcp -j DNAT --to-destination 10.244.1.4:8080
COMMIT
`

const host = readHostFacts({
  addresses: JSON.stringify([{ ifname: 'eth0', addr_info: [{ local: '172.18.0.11', prefixlen: 24 }] }]),
  routes: {
    IPv4: JSON.stringify([
      { dst: 'default', dev: 'eth0', gateway: '172.18.0.1' },
      { dst: '10.244.1.0/24', dev: 'pods0' },
    ]),
  },
})

const iptables: Rules = { language: 'iptables', ruleset: parseIptablesSave(rules, 'IPv4').ruleset }

function explain(
  endpoints: EndpointSlice['endpoints'],
  destination: Question['destination'],
  { rules: asked = iptables }: { readonly rules?: Rules } = {},
) {
  const node = nodeFactsOf('n1', undefined)
  return explainPacket({
    question: {
      family: 'IPv4',
      protocol: 'TCP',
      source: { kind: 'pod', name: 'default/client', address: '10.244.1.9' },
      destination,
      node: 'n1',
      rules: 'live',
    },
    rules: asked,
    host,
    models: [buildServiceModel({ service, slices: [slice(endpoints)], node, family: 'IPv4' })],
    inInterface: 'pods0',
  })
}

const three = ['10.244.1.2', '10.244.1.3', '10.244.1.4'].map((ip) => endpoint(ip, true))

test('each of three endpoints has exactly a third, from the printed rules', () => {
  const { endpoints, paths, unexpected, frontend } = explain(three, { address: '10.96.0.9', port: 80 })
  assert.deepEqual(
    endpoints.map(({ address, pod, probability }) => [address, pod, probability]),
    [
      ['10.244.1.2', 'pod-2', '1/3'],
      ['10.244.1.3', 'pod-3', '1/3'],
      ['10.244.1.4', 'pod-4', '1/3'],
    ],
  )
  assert.deepEqual(
    paths.map(({ probability, verdict }) => [probability, verdict]),
    Array(3).fill(['1/3', 'accepted']),
  )
  assert.deepEqual(unexpected, [])
  assert.equal(frontend?.kind, 'clusterIP')
})

test('a node port is found by the node address, after all service addresses (TG-3)', () => {
  const { frontend, endpoints } = explain(three, { address: '172.18.0.11', port: 30080 })
  assert.equal(frontend?.kind, 'nodePort')
  assert.deepEqual(
    endpoints.map(({ probability }) => probability),
    ['1/3', '1/3', '1/3'],
  )
})

test('an endpoint that is not ready is named with its reason, and the stale rule that still leads there as drift', () => {
  const explanation = explain([...three.slice(0, 2), endpoint('10.244.1.4', false)], { address: '10.96.0.9', port: 80 })
  assert.deepEqual(
    explanation.refused.map(({ address, reason }) => [address, reason.code]),
    [['10.244.1.4', 'not-ready']],
  )
  assert.match(formatExplanation(explanation), /refused +10\.244\.1\.4:8080/)
  assert.match(formatExplanation(explanation), /drift +the rules lead to 10\.244\.1\.4:8080/)
})

test('an endpoint that no rule leads to has probability 0 and is drift too', () => {
  const explanation = explain([...three, endpoint('10.244.1.5', true)], { address: '10.96.0.9', port: 80 })
  assert.equal(explanation.endpoints.find(({ address }) => address === '10.244.1.5')?.probability, '0')
  assert.match(formatExplanation(explanation), /drift +no rule leads to 10\.244\.1\.5:8080/)
})

test('an address of no service is explained all the same', () => {
  const explanation = explain(three, { address: '10.244.1.3', port: 8080 })
  assert.equal(explanation.frontend, undefined)
  assert.equal(explanation.paths[0]?.verdict, 'accepted')
  assert.match(formatExplanation(explanation), /service +none has this address and port/)
})

/** The same three endpoints, and one that has gone, as `nft` lists shared maps. */
const maps = `table ip signalbox {
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.0.9 . tcp . 80 comment "default/web:http" : goto spread-4 }
	}
	map endpoints {
		typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport
		elements = { 10.96.0.9 . tcp . 80 . 0 : 10.244.1.2 . 8080,
			     10.96.0.9 . tcp . 80 . 1 : 10.244.1.3 . 8080,
			     10.96.0.9 . tcp . 80 . 2 : 10.244.1.4 . 8080,
			     10.96.0.9 . tcp . 80 . 3 : 10.244.1.7 . 8080 }
	}
	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr . meta l4proto . th dport vmap @service-ips
	}
	chain spread-4 {
		dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 4 map @endpoints
	}
}
`

test('nftables maps are explained like rules: exact shares, drift, and the element that decided, by its comment', () => {
  const nftables: Rules = { language: 'nftables', ruleset: parseNftRuleset(maps).ruleset }
  const explanation = explain(three, { address: '10.96.0.9', port: 80 }, { rules: nftables })
  assert.equal(explanation.undecided, undefined)
  assert.deepEqual(
    explanation.endpoints.map(({ pod, probability }) => [pod, probability]),
    [
      ['pod-2', '1/4'],
      ['pod-3', '1/4'],
      ['pod-4', '1/4'],
    ],
  )
  assert.deepEqual(explanation.unexpected, [{ address: '10.244.1.7', port: 8080 }])
  const [lead] = explanation.paths[0]?.steps ?? []
  assert.deepEqual(
    [lead?.chain, lead?.effect, lead?.element?.comment],
    ['nat-prerouting', 'go to spread-4', 'default/web:http'],
  )
  assert.match(formatExplanation(explanation), /by @endpoints \{ 10\.96\.0\.9 \. tcp \. 80 \. 0 \}/)
})
