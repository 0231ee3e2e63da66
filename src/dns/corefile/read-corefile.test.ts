/** Corefiles: the default one means what it says, and what cannot be done is refused with file, line and reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasCode } from '#lib'
import { nameToText } from '../wire/index.ts'
import type { CorefileConfig } from './read-corefile.ts'
import { readCorefile } from './read-corefile.ts'

const FILES: Readonly<Record<string, string>> = {
  '/etc/resolv.conf': 'nameserver 192.0.2.53\nnameserver 2001:db8::53\n',
  '/etc/hosts': '127.0.0.1 localhost # comment\n192.0.2.9 host.example host\n',
  '/etc/coredns/more.conf': 'errors\ncache 10\n',
  '/etc/coredns/blocks.conf': 'imported.example {\n  forward . 192.0.2.1\n}\n',
  '/etc/coredns/loops.conf': 'import loops.conf\n',
  '/etc/empty': '',
}

function read(text: string, env: Readonly<Record<string, string>> = {}): CorefileConfig {
  const inFolder = (path: string): string => (path.startsWith('/') ? path : `/etc/coredns/${path}`)
  return readCorefile(text, {
    file: 'Corefile',
    env,
    readText: (path) => FILES[path],
    readFiles: (pattern) => {
      const content = FILES[inFolder(pattern)]
      return content === undefined ? [] : [{ file: inFolder(pattern), text: content }]
    },
  })
}

/** What kubeadm and the addon manager ship, 1.20 to 1.35. */
const DEFAULT = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`

test('the default Corefile', () => {
  const { blocks, ...server } = read(DEFAULT)
  assert.deepEqual(server, {
    healthAddress: ':8080',
    readyAddress: ':8181',
    metricsAddress: ':9153',
    lameduckMilliseconds: 5000,
    reload: { intervalMilliseconds: 30_000, jitterMilliseconds: 15_000 },
  })
  const [block, ...others] = blocks
  assert.ok(block !== undefined && others.length === 0)
  assert.deepEqual([block.zones.map(nameToText), block.port, block.loop, block.shuffle], [['.'], 53, true, true])
  assert.deepEqual(block.kubernetes, {
    zone: 'cluster.local.',
    pods: 'insecure',
    ttl: 30,
    endpointPodNames: false,
    ignoreEmptyService: false,
    reverseEverywhere: true,
    reverseCidrs: [],
    fallthrough: false,
  })
  const [forward] = block.forwards
  assert.deepEqual(
    [forward?.policy, forward?.maxConcurrent, forward?.upstreams.map(({ address }) => address)],
    ['random', 1000, ['192.0.2.53', '2001:db8::53']],
  )
  assert.deepEqual(
    [block.cache?.success.maxTtl, block.cache?.denial.maxTtl, block.cache?.success.entries],
    [30, 30, 9984],
  )
})

test('kubeadm 1.36: the cache is off for the cluster zone', () => {
  const text = DEFAULT.replace(
    'cache 30',
    'cache 30 {\n disable success cluster.local\n disable denial cluster.local\n }',
  )
  const disabled = read(text).blocks[0]?.cache?.disabled
  assert.deepEqual(disabled?.success.map(nameToText), ['cluster.local.'])
  assert.deepEqual(disabled?.denial.map(nameToText), ['cluster.local.'])
})

test('the defaults of plugins are those of CoreDNS, not of kubeadm', () => {
  const [block] = read('cluster.local {\n kubernetes\n}').blocks
  assert.deepEqual(
    [block?.kubernetes?.zone, block?.kubernetes?.ttl, block?.kubernetes?.pods, block?.shuffle, block?.cache],
    ['cluster.local.', 5, 'disabled', false, undefined],
  )
})

test('several zones and ports, each pair a block of its own; CIDRs are reverse zones', () => {
  const { blocks } = read('example.org, example.net:1053,\n10.0.0.0/24 {\n forward . 192.0.2.1\n}\n. {\n errors\n}')
  assert.deepEqual(
    blocks.map(({ zones, port }) => `${zones.map(nameToText).join(' ')}:${port}`),
    ['example.org. 0.0.10.in-addr.arpa.:53', 'example.net.:1053', '.:53'],
  )
})

test('reverse zones that do not fall through are owned', () => {
  const text = 'cluster.local {\n kubernetes cluster.local 10.96.0.0/16 1.10.in-addr.arpa d.f.ip6.arpa in-addr.arpa\n}'
  const { reverseCidrs, reverseEverywhere } = read(text).blocks[0]?.kubernetes ?? {}
  assert.deepEqual(reverseCidrs, [
    '10.96.0.0/16',
    '10.1.0.0/16',
    'fd00:0000:0000:0000:0000:0000:0000:0000/8',
    '0.0.0.0/0',
  ])
  assert.equal(reverseEverywhere, false)
})

test('snippets, imports, arguments, variables, comments and quotation marks', () => {
  const text = `
# a comment
(common) {
  errors
  forward {args[0]} {$UPSTREAM}
}
import blocks.conf
one.example two.example {
  import common one.example
  import more.conf
  template IN A "two.example" {
    match "^(?P<n>[0-9]+)[.]two[.]example[.]$"
    answer "{{ .Name }} 60 IN A 192.0.2.{{ .Group.n }}"
  }
}`
  const { blocks } = read(text, { UPSTREAM: '192.0.2.7' })
  assert.deepEqual(
    blocks.map(({ zones }) => zones.map(nameToText).join(' ')),
    ['imported.example.', 'one.example. two.example.'],
  )
  const [, block] = blocks
  assert.deepEqual(
    [block?.forwards[0]?.upstreams[0]?.address, block?.cache?.success.maxTtl, block?.templates.length],
    ['192.0.2.7', 10, 1],
  )
})

test('forward: TLS, policies, limits, stub domains', () => {
  const { blocks } = read(`. {
  forward corp.example 192.0.2.1:5353
  forward . tls://9.9.9.9 tls://149.112.112.112 {
    tls_servername dns.quad9.net
    policy round_robin
    except internal.example
    max_fails 0
    expire 20s
    health_check 1s
    force_tcp
    prefer_udp
  }
}`)
  const [stub, rest] = blocks[0]?.forwards ?? []
  assert.deepEqual([stub?.from, stub?.upstreams], ['\x04corp\x07example\0', [{ address: '192.0.2.1', port: 5353 }]])
  assert.deepEqual(
    rest?.upstreams.map(({ tls, port }) => [port, tls?.serverName]),
    [
      [853, 'dns.quad9.net'],
      [853, 'dns.quad9.net'],
    ],
  )
  assert.deepEqual(
    [rest?.policy, rest?.healthChecked, rest?.expireMilliseconds, rest?.probeMilliseconds, rest?.forceTcp],
    ['round_robin', false, 20_000, 1000, true],
  )
})

test('cache: bounds, prefetch, serve_stale, servfail', () => {
  const [block] = read(`. {
  cache 60 {
    success 100 50 2
    denial 200
    prefetch 5 2m 20%
    serve_stale 1h30m verify
    servfail 0s
  }
}`).blocks
  assert.deepEqual(block?.cache, {
    success: { entries: 100, maxTtl: 50, minTtl: 2 },
    denial: { entries: 200, maxTtl: 60, minTtl: 5 },
    prefetch: { amount: 5, withinSeconds: 120, percentage: 20 },
    serveStale: { seconds: 5400, verify: true },
    servfailTtl: 0,
    maxBytes: 32 * 1024 * 1024,
  })
})

test('hosts: the file, lines in place, options', () => {
  const { blocks } = read(
    '. {\n hosts {\n 192.0.2.1 a.example b.example\n ttl 60\n no_reverse\n fallthrough\n }\n}\n.:54 {\n hosts\n}',
  )
  assert.deepEqual(blocks[0]?.hosts, {
    entries: [{ address: '192.0.2.1', names: ['a.example', 'b.example'] }],
    ttl: 60,
    reverse: false,
    fallthrough: true,
  })
  assert.deepEqual(blocks[1]?.hosts?.entries, [
    { address: '127.0.0.1', names: ['localhost'] },
    { address: '192.0.2.9', names: ['host.example', 'host'] },
  ])
})

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['an unknown plugin', '. {\n whoami\n}', /^Corefile:2: the plugin whoami is not supported$/],
  [
    'a plugin with a reason',
    '. {\n errors\n autopath @kubernetes\n}',
    /^Corefile:3: the plugin autopath .*: search paths/,
  ],
  ['an unknown option', '. {\n cache {\n keepttl\n }\n}', /^Corefile:3: the option keepttl of cache is not supported$/],
  [
    'an option with a reason',
    'cluster.local {\n kubernetes {\n labels a=b\n }\n}',
    /^Corefile:3: the option labels of kubernetes is not supported: objects cannot be selected by label$/,
  ],
  ['a bad value', 'cluster.local {\n kubernetes {\n pods all\n }\n}', /^Corefile:3: pods takes one of/],
  ['a bad number', 'cluster.local {\n kubernetes {\n ttl 4000\n }\n}', /^Corefile:3: a whole number from 0 to 3600/],
  ['a bad duration', '. {\n health {\n lameduck 5\n }\n}', /^Corefile:3: a duration such as 5s is expected, not 5$/],
  ['kubernetes without a zone', '. {\n kubernetes\n}', /^Corefile:2: kubernetes needs the cluster domain/],
  [
    'two cluster domains',
    '. {\n kubernetes a.example b.example\n}',
    /^Corefile:2: kubernetes takes one cluster domain/,
  ],
  [
    'an upstream that is nothing',
    '. {\n forward . nowhere\n}',
    /^Corefile:2: nowhere is neither an address nor a file/,
  ],
  ['a file without nameservers', '. {\n forward . /etc/empty\n}', /^Corefile:2: \/etc\/empty names no nameserver$/],
  [
    'TLS by name for plain upstreams',
    '. {\n forward . 192.0.2.1 {\n tls_servername a\n }\n}',
    /^Corefile:2: tls is for/,
  ],
  ['another scheme', 'tls://. {\n errors\n}', /^Corefile:1: this server speaks DNS over UDP and TCP only, not tls$/],
  [
    'rewriting other fields',
    '. {\n rewrite type ANY HINFO\n}',
    /^Corefile:2: rewrite can change names only, not type$/,
  ],
  ['answer rules', '. {\n rewrite name a b answer name b a\n}', /^Corefile:2: of answer rules only auto/],
  ['a pattern that is none', '. {\n rewrite name regex ( b\n}', /^Corefile:2: \( is not a regular expression$/],
  [
    'a template of more than we know',
    '. {\n template IN A {\n answer "{{ .Zone }} A 1.2.3.4"\n }\n}',
    /^Corefile:3: \{\{ \.Zone \}\} is not supported/,
  ],
  [
    'a zone twice',
    'a.example {\n errors\n}\nA.example {\n errors\n}',
    /a\.example\.:53 has more than one server block$/,
  ],
  ['an open block', '. {\n errors\n', /^Corefile:1: this block is not closed/],
  ['a stray brace', '. {\n errors\n}\n}', /^Corefile:4: \{ expected|the block of this server is missing/],
  ['no block', '# nothing\n', /^Corefile:1: there is no server block$/],
  ['no braces', '.:53\nerrors\n', /^Corefile:\d: \{ expected|the block of this server is missing/],
  ['an import of nothing', '. {\n import gone.conf\n}', /^Corefile:2: there is no snippet and no file gone\.conf$/],
  ['an import of itself', '. {\n import loops.conf\n}', /imports are nested too deeply$/],
  ['an unclosed quotation mark', '. {\n log "x\n}', /^Corefile:2: a quotation mark is not closed$/],
  [
    'an error in an imported file is in that file',
    'import blocks.conf\nimported.example {\n errors\n}',
    /more than one server block/,
  ],
]
for (const [name, text, message] of refused) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => read(text),
      (error: Error) =>
        hasCode(error, 'SBX_DNS_COREFILE') && message.test(error.message) ? true : assert.fail(error.message),
    )
  })
}
