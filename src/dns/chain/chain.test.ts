/** The chain of a Corefile on real sockets: rewrite, template, hosts, blocks by zone, loops, and taking over a new file. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readCorefile } from '../corefile/index.ts'
import { askUdp, queryPacket, sendUdp } from '../testing/dns-client.ts'
import type { FakeUpstream } from '../testing/fake-upstream.ts'
import { fakeUpstream } from '../testing/fake-upstream.ts'
import type { FixtureServer } from '../testing/start-fixture.ts'
import { startFixture } from '../testing/start-fixture.ts'
import { formatRecord, rcodeName } from '../wire/index.ts'
import type { BlockConfig } from './block-config.ts'

const S = 'testns.svc.cluster.local'
let upstream: FakeUpstream

before(async () => {
  upstream = await fakeUpstream({
    'www.example.com.': { addresses: ['192.0.2.1'] },
    'inner.example.com.': { addresses: ['192.0.2.2'] },
  })
})

after(() => upstream.close())

/** Port 0: whichever is free. */
function blocksOf(corefile: string): readonly BlockConfig[] {
  const { blocks } = readCorefile(corefile.replaceAll('UPSTREAM', `127.0.0.1:${upstream.port}`), {
    file: 'Corefile',
    env: {},
    readText: () => undefined,
    readFiles: () => [],
  })
  return blocks.map((block) => ({ ...block, port: 0 }))
}

async function serve(corefile: string, more: Parameters<typeof startFixture>[0] = {}): Promise<FixtureServer> {
  return startFixture({ blocks: blocksOf(corefile), ...more })
}

async function answer(server: FixtureServer, name: string, type = 'A'): Promise<string> {
  const { message } = await askUdp(server, [name, type])
  return message.answers.map(formatRecord).join('; ') || rcodeName(message.rcode)
}

const KUBERNETES =
  'kubernetes cluster.local in-addr.arpa ip6.arpa {\n pods insecure\n fallthrough in-addr.arpa ip6.arpa\n ttl 30\n }'

test('rewrite: the records are the asked name’s, from the zone and from upstreams', async () => {
  const server = await serve(`. {
  rewrite name exact shop.example web.${S}
  rewrite name suffix .old.example .example.com
  rewrite name regex ^(\\w+)[.]by[.]regex[.]$ {1}.${S}
  ${KUBERNETES}
  forward . UPSTREAM
  cache 30
}`)
  assert.equal(await answer(server, 'shop.example'), 'shop.example. 30 IN A 10.96.1.1')
  assert.equal(await answer(server, 'ShOp.example'), 'ShOp.example. 30 IN A 10.96.1.1')
  assert.equal(await answer(server, 'inner.old.example'), 'inner.old.example. 30 IN A 192.0.2.2')
  assert.equal(await answer(server, 'dual.by.regex'), 'dual.by.regex. 30 IN A 10.96.1.3')
  assert.equal(await answer(server, `web.${S}`), `web.${S}. 30 IN A 10.96.1.1`)
  await server.dns.close()
})

test('template: groups of the pattern; a rule that does not match leaves the question to the rest', async () => {
  const server = await serve(
    `. {
  template IN A ip.example {
    match "^ip-(?P<a>[0-9]+)-(?P<b>[0-9]+)[.]ip[.]example[.]$"
    answer "{{ .Name }} 60 IN A 10.0.{{ .Group.a }}.{{ .Group.b }}"
    fallthrough
  }
  template ANY ANY gone.example {
    rcode NXDOMAIN
    authority "gone.example 60 IN SOA ns.gone.example hostmaster.gone.example ( 1 60 60 60 60 )"
  }
  forward . UPSTREAM
}`.replace('template ANY ANY', 'template IN ANY'),
  )
  assert.equal(await answer(server, 'ip-1-2.ip.example'), 'ip-1-2.ip.example. 60 IN A 10.0.1.2')
  assert.equal(await answer(server, 'other.ip.example'), 'NXDOMAIN')
  const { message } = await askUdp(server, ['x.gone.example', 'AAAA'])
  assert.deepEqual([rcodeName(message.rcode), message.authority.length], ['NXDOMAIN', 1])
  await server.dns.close()
})

test('hosts: names and addresses, before the zone; without fallthrough the rest is SERVFAIL', async () => {
  const server = await serve(`. {
  hosts {
    192.0.2.20 db.example web.${S}
    fallthrough
  }
  ${KUBERNETES}
  forward . UPSTREAM
}
only.example {
  hosts {
    192.0.2.21 a.only.example
  }
}`)
  assert.equal(await answer(server, 'DB.example'), 'DB.example. 3600 IN A 192.0.2.20')
  assert.equal(await answer(server, `web.${S}`), `web.${S}. 3600 IN A 192.0.2.20`)
  assert.equal(
    await answer(server, '20.2.0.192.in-addr.arpa', 'PTR'),
    `20.2.0.192.in-addr.arpa. 3600 IN PTR db.example.; 20.2.0.192.in-addr.arpa. 3600 IN PTR web.${S}.`,
  )
  assert.equal(await answer(server, 'db.example', 'AAAA'), 'NOERROR')
  assert.equal(await answer(server, `dual.${S}`), `dual.${S}. 30 IN A 10.96.1.3`)
  assert.equal(await answer(server, 'a.only.example'), 'a.only.example. 3600 IN A 192.0.2.21')
  assert.equal(await answer(server, 'b.only.example'), 'SERVFAIL')
  await server.dns.close()
})

test('the block with the longest zone has the question; names outside all zones are REFUSED (row 79)', async () => {
  const server = await serve('example.com {\n forward . UPSTREAM\n}\ncluster.local {\n kubernetes\n}')
  assert.match(await answer(server, 'www.example.com'), /192\.0\.2\.1$/)
  assert.match(await answer(server, `web.${S}`), /5 IN A 10\.96\.1\.1$/)
  assert.equal(await answer(server, 'www.example.org'), 'REFUSED')
  await server.dns.close()
})

test('stub domains: the most specific forward has the name', async () => {
  const before = upstream.asked.length
  const server = await startFixture({
    upstreams: ['127.0.0.1:1'],
    stubDomains: { 'example.com': [`127.0.0.1:${upstream.port}`] },
  })
  assert.match(await answer(server, 'www.example.com'), /192\.0\.2\.1$/)
  assert.equal(upstream.asked.length, before + 1)
  assert.equal(await answer(server, 'www.example.org'), 'SERVFAIL')
  await server.dns.close()
})

test('kubernetes fallthrough: names of the zone that do not exist go on', async () => {
  const server = await serve('. {\n kubernetes example.com {\n fallthrough\n }\n forward . UPSTREAM\n}')
  assert.match(await answer(server, 'www.example.com'), /192\.0\.2\.1$/)
  assert.equal(await answer(server, 'web.testns.svc.example.com'), 'web.testns.svc.example.com. 5 IN A 10.96.1.1')
  await server.dns.close()
})

test('RFC 8482: ANY of a foreign name is one HINFO, and no upstream is asked', async () => {
  const server = await serve('. {\n forward . UPSTREAM\n}')
  const before = upstream.asked.length
  const { message } = await askUdp(server, ['www.example.com', 'ANY'])
  assert.deepEqual([message.answers.length, message.answers[0]?.type], [1, 13])
  assert.equal(upstream.asked.length, before)
  await server.dns.close()
})

test('loop: a server that is its own upstream says so', async () => {
  const looped = Promise.withResolvers<void>()
  const first = await startFixture()
  const { address, port } = first
  await first.dns.close()
  const blocks = blocksOf(`. {\n forward . ${address}:${port}\n loop\n}`).map((block) => ({ ...block, port }))
  const server = await startFixture({ blocks, listen: { addresses: [address], port }, onLoop: looped.resolve })
  await looped.promise
  await server.dns.close()
})

test('no loop: nobody can end the server by asking for HINFO of names they made up', async () => {
  let loops = 0
  const server = await serve('. {\n forward . UPSTREAM\n loop\n}', { onLoop: () => loops++ })
  for (let i = 0; i < 5; i++) await sendUdp(server, queryPacket(`${i}.${i}`, 'HINFO'))
  assert.equal(loops, 0)
  await server.dns.close()
})

test('reload: the sockets stay, the answers change; a configuration that cannot be opened changes nothing', async () => {
  const server = await serve('. {\n kubernetes cluster.local {\n ttl 7\n }\n}')
  assert.equal(await answer(server, `web.${S}`), `web.${S}. 7 IN A 10.96.1.1`)
  await server.dns.reload(blocksOf('. {\n kubernetes cluster.local {\n ttl 8\n }\n}'))
  assert.equal(await answer(server, `web.${S}`), `web.${S}. 8 IN A 10.96.1.1`)
  const bad = blocksOf('. {\n kubernetes cluster.local\n bind 192.0.2.1\n}')
  await assert.rejects(server.dns.reload(bad), /cannot listen/)
  assert.equal(await answer(server, `web.${S}`), `web.${S}. 8 IN A 10.96.1.1`)
  await server.dns.close()
})
