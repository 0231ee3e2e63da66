import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { FAMILIES } from '#lib'

import { parseIptablesSave } from './parse.ts'
import { printIptablesSave, printMatch, printRule } from './print.ts'
import { arbitraryRuleset } from './testing/arbitrary-ruleset.ts'
import { readFixture } from './testing/read-fixture.ts'

describe('parse and print are each other’s inverse', () => {
  for (const family of FAMILIES) {
    test(`what iptables-save printed comes out byte for byte, ${family}`, () => {
      const text = readFixture(family, 'save')
      assert.equal(printIptablesSave(parseIptablesSave(text, family).ruleset), text)
    })

    test(`any ruleset survives the round trip, ${family}`, () => {
      fc.assert(
        fc.property(arbitraryRuleset(family), (ruleset) => {
          assert.deepEqual(parseIptablesSave(printIptablesSave(ruleset), family), { ruleset, problems: [] })
        }),
        { numRuns: 60 },
      )
    })
  }

  const lines = [
    '-A X',
    '-A X -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN SYN -j LOG --log-prefix "a \\"b\\": " --log-level 7',
    '-A X -p tcp -m tcp --dport 80 -m tcp -j RETURN',
    '-A X -m nfacct --nfacct-name  dropped_packets -j DROP',
    '-A X -m set ! --match-set allowed src,dst -g Y',
    '-A X ! -f -j REJECT --reject-with icmp-port-unreachable',
    '-A X -m addrtype --dst-type LOCAL -m addrtype --src-type LOCAL -j Y',
    '-A X -p tcp -j REDIRECT --to-ports 80-90 --random',
    '-A X -p tcp -m multiport --dports 80,443 -j Y',
  ]
  for (const line of lines) {
    test(line, () => {
      const text = ['*filter', ':INPUT ACCEPT [3:180]', ':X - [0:0]', ':Y -', line, 'COMMIT', ''].join('\n')
      assert.equal(printIptablesSave(parseIptablesSave(text, 'IPv4').ruleset), text)
    })
  }
})

test('a match prints by itself, with its module', () => {
  assert.equal(printMatch({ kind: 'destination-port', protocol: 'tcp', from: 80, to: 80 }), '-m tcp --dport 80')
  assert.equal(printMatch({ kind: 'source', cidr: '10.0.0.0/8', negated: true }), '! -s 10.0.0.0/8')
  assert.equal(printMatch({ kind: 'other', module: 'udp', arguments: [] }), '-m udp')
})

test('text of users cannot end the line and start a command', () => {
  const text = printRule({ matches: [{ kind: 'comment', text: 'a"\n-A INPUT -j ACCEPT' }] })
  assert.equal(text, String.raw`-m comment --comment "a\" -A INPUT -j ACCEPT"`)
})

test('a ruleset without tables prints nothing', () => {
  assert.equal(printIptablesSave({ family: 'IPv4', tables: new Map() }), '')
})
