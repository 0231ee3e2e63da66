import assert from 'node:assert/strict'
import { test } from 'node:test'

import { iptablesBypass, nftBypass } from './bypass-rules.ts'

const target = { addresses: ['169.254.20.10', 'fd00::10'], port: 53 }

test('iptables: each address, UDP and TCP, in and out, untracked and accepted', () => {
  const rules = iptablesBypass(target)
  assert.equal(rules.length, 20)
  const lines = rules.map(({ six, table, chain, match }) => `${six ? 6 : 4} ${table} ${chain} ${match.join(' ')}`)
  assert.equal(new Set(lines).size, 20)
  const comment = '-m comment --comment signalbox node cache: skip conntrack'
  assert.ok(lines.includes(`4 raw PREROUTING -d 169.254.20.10/32 -p udp -m udp --dport 53 ${comment} -j CT --notrack`))
  assert.ok(lines.includes(`6 raw OUTPUT -s fd00::10/128 -p tcp -m tcp --sport 53 ${comment} -j CT --notrack`))
  assert.ok(lines.includes(`4 filter INPUT -d 169.254.20.10/32 -p udp -m udp --dport 53 ${comment} -j ACCEPT`))
})

test('nftables: one table, made anew in one transaction, at raw priority', () => {
  const text = nftBypass(target)
  assert.match(text, /^table inet signalbox-node-cache \{\}\ndelete table inet signalbox-node-cache\ntable inet/)
  assert.equal(text.match(/priority raw/g)?.length, 2)
  assert.equal(text.match(/ notrack$/gm)?.length, 12)
  assert.match(text, /ip6 saddr fd00::10 tcp sport 53 notrack/)
})
