import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Family } from '#lib'

import { evaluate } from './evaluate.ts'
import type { HostFacts, Packet } from './packet.ts'
import { exampleHost, packetOf } from './testing/example-host.ts'
import { rulesetOf } from './testing/read-fixture.ts'

/** Whether the rule took the packet, in a FORWARD chain that drops what it takes; a text is why it cannot be told. */
function takes(
  specification: string,
  packet: Partial<Packet>,
  more: { family?: Family; host?: Partial<HostFacts> } = {},
) {
  const family = more.family ?? 'IPv4'
  const ruleset = rulesetOf(`*filter\n:FORWARD ACCEPT\n-A FORWARD ${specification} -j DROP\nCOMMIT\n`, family)
  const { outcomes, refused } = evaluate(ruleset, packetOf(family, packet), exampleHost(family, more.host))
  if (refused !== undefined) return refused.reason
  assert.equal(outcomes.length, 1)
  return outcomes[0]?.verdict === 'dropped'
}

type Case = readonly [specification: string, packet: Partial<Packet>, expected: boolean]

const cases: Readonly<Record<string, readonly Case[]>> = {
  addresses: [
    ['-s 10.20.1.0/24', { source: '10.20.1.255' }, true],
    ['-s 10.20.1.0/24', { source: '10.20.2.0' }, false],
    ['! -s 10.20.1.0/24', { source: '10.20.2.0' }, true],
    ['-d 10.30.0.1', { destination: '10.30.0.1' }, true],
    ['! -d 10.30.0.1', { destination: '10.30.0.1' }, false],
    ['-s 10.0.1.0/255.0.255.0', { source: '10.99.1.7' }, true],
    ['-s 10.0.1.0/255.0.255.0', { source: '10.99.2.7' }, false],
  ],
  protocols: [
    ['-p tcp', { protocol: 'TCP' }, true],
    ['-p 17', { protocol: 'UDP' }, true],
    ['-p sctp', { protocol: 'TCP' }, false],
    ['! -p udp', { protocol: 'TCP' }, true],
    ['-p all', { protocol: 'SCTP' }, true],
    ['-p icmp', { protocol: 'ICMP' }, true],
    ['-p ipv6-icmp', { protocol: 'ICMP' }, false],
    ['-p gre', { protocol: 'TCP' }, false],
    ['-p tcp -m tcp', { protocol: 'TCP' }, true],
  ],
  interfaces: [
    ['-i eth0', {}, true],
    ['-i eth+', {}, true],
    ['-i eth1', {}, false],
    ['! -i eth1', {}, true],
    ['-i +', {}, true],
    ['-o pods0', { destination: '10.20.1.9' }, true],
    ['-o pods0', { destination: '10.20.2.9' }, false],
  ],
  ports: [
    ['-p tcp -m tcp --dport 80', { destinationPort: 80 }, true],
    ['-p tcp -m tcp --dport 80', { destinationPort: 81 }, false],
    ['-p tcp -m tcp ! --dport 80', { destinationPort: 81 }, true],
    ['-p tcp -m tcp --dport 80:90', { destinationPort: 90 }, true],
    ['-p tcp -m tcp --dport 80:90', { destinationPort: 91 }, false],
    ['-p tcp -m tcp --sport 1024:', { sourcePort: 65535 }, true],
    ['-p udp -m udp --dport 80', { protocol: 'TCP', destinationPort: 80 }, false],
    ['-p tcp -m multiport --dports 22,80:90', { destinationPort: 85 }, true],
    ['-p tcp -m multiport ! --dports 22,80:90', { destinationPort: 85 }, false],
    ['-p tcp -m multiport --ports 40000', { sourcePort: 40000 }, true],
  ],
  conntrack: [
    ['-m conntrack --ctstate NEW', {}, true],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', {}, false],
    ['-m conntrack --ctstate RELATED,ESTABLISHED', { ctstate: 'ESTABLISHED' }, true],
    ['-m conntrack ! --ctstate NEW', { ctstate: 'INVALID' }, true],
    ['-m conntrack --ctstate DNAT', {}, false],
    ['-m state --state NEW', {}, true],
    ['-m state ! --state NEW', {}, false],
  ],
  marks: [
    ['-m mark --mark 0x4000/0x4000', { mark: 0x4001 }, true],
    ['-m mark --mark 0x4000/0x4000', { mark: 0x1 }, false],
    ['-m mark ! --mark 0x4000/0x4000', { mark: 0x1 }, true],
    ['-m mark --mark 0x80000000/0x80000000', { mark: 0x80000001 }, true],
    ['-m mark --mark 1', { mark: 0x4001 }, false],
    ['-m mark --mark 0', {}, true],
  ],
  'address types': [
    ['-m addrtype --src-type LOCAL', { source: '172.18.0.11' }, true],
    ['-m addrtype --src-type LOCAL', {}, false],
    ['-m addrtype ! --src-type LOCAL', {}, true],
    ['-m addrtype --dst-type LOCAL,UNICAST', {}, true],
  ],
  transparent: [
    ['-m comment --comment "anything"', {}, true],
    ['-m nfacct --nfacct-name  counter', {}, true],
    ['! -f', {}, true],
    ['-f', {}, false],
  ],
  chance: [
    ['-m statistic --mode random --probability 1.00000000000', {}, true],
    ['-m statistic --mode random --probability 0.00000000000', {}, false],
    ['-m statistic --mode random ! --probability 0.00000000000', {}, true],
  ],
}

for (const [name, table] of Object.entries(cases)) {
  describe(name, () => {
    for (const [specification, packet, expected] of table) {
      test(`${specification} ${expected ? 'takes' : 'leaves'} ${JSON.stringify(packet)}`, () => {
        assert.equal(takes(specification, packet), expected)
      })
    }
  })
}

test('the same for IPv6', () => {
  const ask = (specification: string, packet: Partial<Packet>) => takes(specification, packet, { family: 'IPv6' })
  assert.equal(ask('-s fd00:20::/48', { source: 'fd00:20:0:1::5' }), true)
  assert.equal(ask('-s fd00:20::/48', { source: 'fd00:21::5' }), false)
  assert.equal(ask('! -d fd00:30::1', { destination: 'fd00:30::1' }), false)
  assert.equal(ask('-p ipv6-icmp', { protocol: 'ICMP' }), true)
  assert.equal(ask('-p icmp', { protocol: 'ICMP' }), false)
})

describe('recent', () => {
  const seen = (age: number | undefined) => ({ host: { recent: () => age } })
  const full = '--mask 255.255.255.255 --rsource'

  test('rcheck within its seconds, and never where the host knows nothing', () => {
    assert.equal(takes(`-m recent --rcheck --seconds 60 --reap --name L ${full}`, {}, seen(60)), true)
    assert.equal(takes(`-m recent --rcheck --seconds 60 --reap --name L ${full}`, {}, seen(61)), false)
    assert.equal(takes(`-m recent --rcheck --name L ${full}`, {}, seen(9999)), true)
    assert.equal(takes(`-m recent ! --rcheck --name L ${full}`, {}, seen(undefined)), true)
    assert.equal(takes(`-m recent --rcheck --name L ${full}`, {}), false)
  })

  test('set always holds; update and remove only for what is there', () => {
    assert.equal(takes(`-m recent --set --name L ${full}`, {}), true)
    assert.equal(takes(`-m recent ! --set --name L ${full}`, {}), false)
    assert.equal(takes(`-m recent --update --seconds 60 --name L ${full}`, {}), false)
    assert.equal(takes(`-m recent --remove --name L ${full}`, {}, seen(1)), true)
    assert.equal(takes(`-m recent --remove --name L ${full}`, {}), false)
  })

  test('asks for the masked address of the side it names', () => {
    const asked: string[] = []
    const host: Partial<HostFacts> = {
      recent: (list, address) => {
        asked.push(`${list} ${address}`)
        return undefined
      },
    }
    takes('-m recent --rcheck --name L --mask 255.255.255.0 --rsource', { source: '10.1.2.3' }, { host })
    takes('-m recent --rcheck --name M --mask 255.255.255.255 --rdest', { destination: '10.9.9.9' }, { host })
    assert.deepEqual(asked, ['L 10.1.2.0', 'M 10.9.9.9'])
  })

  test('a packet finds what it has itself put into a list, and not what it has taken out', () => {
    const lines = (second: string) =>
      ['*filter', ':FORWARD ACCEPT', '-A FORWARD -m recent --set --name L --rsource', second, 'COMMIT'].join('\n')
    const check = '-A FORWARD -m recent --rcheck --seconds 1 --name L --rsource -j DROP'
    const verdict = (text: string) =>
      evaluate(rulesetOf(text), packetOf('IPv4'), exampleHost('IPv4')).outcomes[0]?.verdict
    assert.equal(verdict(lines(check)), 'dropped')
    assert.equal(verdict(lines(`-A FORWARD -m recent --remove --name L --rsource\n${check}`)), 'accepted')
  })
})

describe('what cannot be decided is refused, not guessed', () => {
  test('a match without a meaning here', () => {
    assert.equal(
      takes('-m set --match-set allowed src', {}),
      'match set --match-set allowed src cannot be decided from the packet',
    )
    assert.equal(takes('-s some.host', {}), 'some.host is no address block')
    assert.match(String(takes('-m statistic --mode nth --every 2 --packet 0', {})), /statistic --mode nth/)
    assert.match(String(takes('-p tcp -m multiport --dports http', {})), /multiport/)
    assert.match(String(takes('-p icmp -m icmp --icmp-type 8', { protocol: 'ICMP' })), /icmp-type/)
  })

  test('unless the rule is out of the question anyway', () => {
    assert.equal(takes('-p udp -m set --match-set allowed src', { protocol: 'TCP' }), false)
    assert.equal(takes('-m set --match-set allowed src -m mark --mark 1', {}), false)
  })

  test('names the rule', () => {
    const ruleset = rulesetOf(
      '*filter\n:FORWARD ACCEPT\n:X -\n-A FORWARD -j X\n-A X -p udp\n-A X -m limit --limit 5/min -j DROP\nCOMMIT\n',
    )
    const { refused, outcomes } = evaluate(ruleset, packetOf('IPv4'), exampleHost('IPv4'))
    assert.deepEqual(outcomes, [])
    assert.equal(refused?.table, 'filter')
    assert.equal(refused?.chain, 'X')
    assert.equal(refused?.index, 1)
    assert.equal(refused?.rule, ruleset.tables.get('filter')?.chains.get('X')?.rules[1])
  })
})
