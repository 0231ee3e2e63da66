import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Match, Rule, Target } from './ast.ts'
import { parseIptablesSave } from './parse.ts'
import { readFixture } from './testing/read-fixture.ts'

function parse(lines: readonly string[]): { rules: readonly Rule[]; messages: readonly string[] } {
  const text = ['*nat', ':PREROUTING ACCEPT [0:0]', ':X - [0:0]', ...lines, 'COMMIT'].join('\n')
  const { ruleset, problems } = parseIptablesSave(text, 'IPv4')
  return {
    rules: ruleset.tables.get('nat')?.chains.get('PREROUTING')?.rules ?? [],
    messages: problems.map((problem) => `${problem.line}: ${problem.message}`),
  }
}

function ruleOf(specification: string): Rule | undefined {
  const { rules, messages } = parse([`-A PREROUTING ${specification}`])
  assert.deepEqual(messages, [])
  return rules[0]
}

describe('matches', () => {
  const cases: readonly (readonly [string, readonly Match[]])[] = [
    ['-s 10.0.0.0/8', [{ kind: 'source', cidr: '10.0.0.0/8' }]],
    ['-s 10.1.2.3', [{ kind: 'source', cidr: '10.1.2.3/32' }]],
    ['! -s 10.1.2.3/8', [{ kind: 'source', cidr: '10.0.0.0/8', negated: true }]],
    ['-d ! 10.1.2.3/32', [{ kind: 'destination', cidr: '10.1.2.3/32', negated: true }]],
    ['-d 10.1.2.3/255.0.255.0', [{ kind: 'destination', cidr: '10.1.2.3/255.0.255.0' }]],
    ['! -p TCP', [{ kind: 'protocol', protocol: 'tcp', negated: true }]],
    [
      '-i eth+ ! -o lo',
      [
        { kind: 'in-interface', name: 'eth+' },
        { kind: 'out-interface', name: 'lo', negated: true },
      ],
    ],
    ['-m comment --comment plain', [{ kind: 'comment', text: 'plain' }]],
    ['-m comment --comment -j', [{ kind: 'comment', text: '-j' }]],
    ['-m comment --comment --dport', [{ kind: 'comment', text: '--dport' }]],
    ['-m comment --comment ""', [{ kind: 'comment', text: '' }]],
    [String.raw`-m comment --comment "a \"b\" \\ c\'d -j"`, [{ kind: 'comment', text: String.raw`a "b" \ c'd -j` }]],
    [
      '-p tcp -m tcp --dport 80:90',
      [
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'destination-port', protocol: 'tcp', from: 80, to: 90 },
      ],
    ],
    [
      '-p udp -m udp --sport :9 ! --dport 53',
      [
        { kind: 'protocol', protocol: 'udp' },
        { kind: 'source-port', protocol: 'udp', from: 0, to: 9 },
        { kind: 'destination-port', protocol: 'udp', from: 53, to: 53, negated: true },
      ],
    ],
    [
      '-p tcp --dport ! 1024:',
      [
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'destination-port', protocol: 'tcp', from: 1024, to: 65535, negated: true },
      ],
    ],
    // The order kube-proxy writes to iptables-restore: options behind their module, with others in between.
    [
      '-m comment --comment "web cluster IP" -m tcp -p tcp -d 10.0.0.1/32 --dport 80',
      [
        { kind: 'comment', text: 'web cluster IP' },
        { kind: 'destination-port', protocol: 'tcp', from: 80, to: 80 },
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'destination', cidr: '10.0.0.1/32' },
      ],
    ],
    [
      '-p tcp -m tcp',
      [
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'other', module: 'tcp', arguments: [] },
      ],
    ],
    [
      '-p tcp -m tcp --dport 80 --tcp-flags FIN,SYN SYN',
      [
        { kind: 'protocol', protocol: 'tcp' },
        { kind: 'destination-port', protocol: 'tcp', from: 80, to: 80 },
        { kind: 'other', module: 'tcp', arguments: ['--tcp-flags', 'FIN,SYN', 'SYN'] },
      ],
    ],
    ['-m conntrack ! --ctstate NEW,DNAT', [{ kind: 'conntrack-state', states: ['NEW', 'DNAT'], negated: true }]],
    [
      '-m conntrack --ctstate NEW --ctdir REPLY',
      [{ kind: 'other', module: 'conntrack', arguments: ['--ctstate', 'NEW', '--ctdir', 'REPLY'] }],
    ],
    ['-m mark --mark 0x4000/0x4000', [{ kind: 'mark', value: 0x4000, mask: 0x4000 }]],
    ['-m mark ! --mark 16', [{ kind: 'mark', value: 16, mask: 0xffffffff, negated: true }]],
    ['-m mark --mark 010/0xff', [{ kind: 'mark', value: 8, mask: 0xff }]],
    [
      '-m addrtype --src-type LOCAL ! --dst-type LOCAL,BROADCAST',
      [
        { kind: 'address-type', of: 'source', type: 'LOCAL' },
        { kind: 'address-type', of: 'destination', type: 'LOCAL,BROADCAST', negated: true },
      ],
    ],
    [
      '-m addrtype --dst-type LOCAL --limit-iface-in',
      [{ kind: 'other', module: 'addrtype', arguments: ['--dst-type', 'LOCAL', '--limit-iface-in'] }],
    ],
    ['-m statistic --mode random --probability 0.33333333349', [{ kind: 'random', probability: 0.33333333349 }]],
    ['-m statistic --mode random ! --probability 0.5', [{ kind: 'random', probability: 0.5, negated: true }]],
    [
      '-m statistic --mode nth --every 3 --packet 0',
      [{ kind: 'other', module: 'statistic', arguments: ['--mode', 'nth', '--every', '3', '--packet', '0'] }],
    ],
    [
      '-m recent ! --rcheck --seconds 60 --reap --name L --mask 255.255.255.255 --rdest',
      [
        {
          kind: 'recent',
          action: 'rcheck',
          list: 'L',
          seconds: 60,
          reap: true,
          side: 'destination',
          mask: '255.255.255.255',
          negated: true,
        },
      ],
    ],
    ['-m recent --name L --set', [{ kind: 'recent', action: 'set', list: 'L', side: 'source' }]],
    [
      '-m recent --update --hitcount 3 --name L',
      [{ kind: 'other', module: 'recent', arguments: ['--update', '--hitcount', '3', '--name', 'L'] }],
    ],
    [
      '-m nfacct --nfacct-name  dropped',
      [{ kind: 'other', module: 'nfacct', arguments: ['--nfacct-name', 'dropped'] }],
    ],
    [
      '-m set ! --match-set a src,dst',
      [{ kind: 'other', module: 'set', arguments: ['!', '--match-set', 'a', 'src,dst'] }],
    ],
    ['-f', [{ kind: 'other', module: '', arguments: ['-f'] }]],
  ]
  for (const [text, matches] of cases) {
    test(text, () => assert.deepEqual(ruleOf(`${text} -j ACCEPT`), { matches, target: { kind: 'accept' } }))
  }
})

describe('targets', () => {
  const cases: readonly (readonly [string, Target | undefined])[] = [
    ['', undefined],
    ['-j X', { kind: 'jump', chain: 'X' }],
    ['-g X', { kind: 'goto', chain: 'X' }],
    ['-j DROP', { kind: 'drop' }],
    ['-j RETURN', { kind: 'return' }],
    ['-j REJECT', { kind: 'reject', with: 'icmp-port-unreachable' }],
    ['-j REJECT --reject-with tcp-reset', { kind: 'reject', with: 'tcp-reset' }],
    ['-j MARK --set-xmark 0x4000/0x0', { kind: 'mark', value: 0x4000, mask: 0 }],
    ['-j MARK --set-xmark 0x1', { kind: 'mark', value: 1, mask: 0xffffffff }],
    ['-j MARK --or-mark 0x4000', { kind: 'mark', value: 0x4000, mask: 0x4000 }],
    ['-j MARK --xor-mark 0x4000', { kind: 'mark', value: 0x4000, mask: 0 }],
    ['-j MARK --and-mark 0x4000', { kind: 'mark', value: 0, mask: 0xffffbfff }],
    ['-j MARK --set-mark 5', { kind: 'mark', value: 5, mask: 0xffffffff }],
    ['-j MARK --set-mark 0x12/0xf', { kind: 'mark', value: 0x12, mask: 0x1f }],
    ['-j DNAT --to-destination [fd00::1]:80', { kind: 'dnat', to: '[fd00::1]:80' }],
    ['-j DNAT --to-destination 10.0.0.1:80 --persistent', { kind: 'dnat', to: '10.0.0.1:80', flags: ['--persistent'] }],
    ['-j SNAT --to-source 10.0.0.1', { kind: 'snat', to: '10.0.0.1' }],
    ['-j MASQUERADE', { kind: 'masquerade' }],
    ['-j MASQUERADE --random-fully', { kind: 'masquerade', randomFully: true }],
    ['-j MASQUERADE --to-ports 1-2', { kind: 'other', name: 'MASQUERADE', arguments: ['--to-ports', '1-2'] }],
    ['-j REDIRECT --to-ports 80', { kind: 'redirect', toPorts: '80' }],
    ['-j LOG --log-prefix "a b: "', { kind: 'other', name: 'LOG', arguments: ['--log-prefix', '"a b: "'] }],
    ['-j LOG', { kind: 'other', name: 'LOG', arguments: [] }],
    ['-j ELSEWHERE', { kind: 'jump', chain: 'ELSEWHERE' }],
  ]
  for (const [text, target] of cases) {
    test(text === '' ? 'none' : text, () => {
      assert.deepEqual(ruleOf(text), { matches: [], ...(target === undefined ? {} : { target }) })
    })
  }

  test('REJECT without an option depends on the family', () => {
    const { ruleset } = parseIptablesSave('*filter\n:INPUT ACCEPT\n-A INPUT -j REJECT\nCOMMIT\n', 'IPv6')
    const target = ruleset.tables.get('filter')?.chains.get('INPUT')?.rules[0]?.target
    assert.deepEqual(target, { kind: 'reject', with: 'icmp6-port-unreachable' })
  })
})

describe('counters', () => {
  test('of chains and rules, where they are written', () => {
    const text = '*nat\n:PREROUTING ACCEPT [7:420]\n:X -\n[1:60] -A X -j ACCEPT\n-A X -c 2 120\n-A X\nCOMMIT\n'
    const { ruleset, problems } = parseIptablesSave(text, 'IPv4')
    const chains = ruleset.tables.get('nat')?.chains
    assert.deepEqual(problems, [])
    assert.deepEqual(chains?.get('PREROUTING')?.counters, { packets: 7n, bytes: 420n })
    assert.equal(chains?.get('X')?.counters, undefined)
    assert.deepEqual(
      chains?.get('X')?.rules.map((rule) => rule.counters),
      [{ packets: 1n, bytes: 60n }, { packets: 2n, bytes: 120n }, undefined],
    )
  })
})

describe('problems', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['-A NOWHERE -j ACCEPT', '4: chain NOWHERE is not declared'],
    ['-A PREROUTING -m comment --comment "open', '4: a quote is not closed'],
    ['-A PREROUTING -s', '4: nothing follows the source option'],
    ['-A PREROUTING -j ACCEPT !', '4: nothing follows the !'],
    ['-A PREROUTING ! -j ACCEPT', '4: the jump option cannot be negated'],
    ['-A PREROUTING --dport 80', '4: --dport belongs to no match or target'],
    ['-A PREROUTING -c 1 -j ACCEPT', '4: counters are two numbers'],
    ['-D PREROUTING 1', '4: not a rule to append'],
    [':BROKEN', '4: not a chain declaration'],
    ["# Table `nat' is incompatible, use 'nft' tool.", '4: the table has rules that iptables cannot show'],
  ]
  for (const [line, message] of cases) {
    test(line, () => {
      const { rules, messages } = parse([line, '-A PREROUTING -j X'])
      assert.deepEqual(messages, [message])
      assert.deepEqual(
        rules,
        [{ matches: [], target: { kind: 'jump', chain: 'X' } }],
        'the next line is read all the same',
      )
    })
  }

  test('a rule outside a table', () => {
    const { problems } = parseIptablesSave('-A INPUT -j ACCEPT\n', 'IPv4')
    assert.deepEqual(problems, [{ line: 1, text: '-A INPUT -j ACCEPT', message: 'no table is open' }])
  })
})

test('both spellings of the example services are understood without a remark, and with nothing unknown', () => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    for (const kind of ['rules', 'save'] as const) {
      const { ruleset, problems } = parseIptablesSave(readFixture(family, kind), family)
      assert.deepEqual(problems, [])
      const chains = [...ruleset.tables.values()].flatMap((table) => [...table.chains.values()])
      const unknown = chains
        .flatMap((chain) => chain.rules.flatMap((rule) => rule.matches))
        .filter((match) => match.kind === 'other' && match.arguments.length > 0)
      assert.deepEqual(unknown, [])
      assert.equal(chains.length, 43)
    }
  }
})
