import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hasCode } from '#lib'

import { addressAddLine, linkUpLine, routeReplaceLine, vethAddLine } from './links.ts'

test('a veth pair may be born with its far end in the namespace of a process', () => {
  assert.equal(
    vethAddLine('veth12', { name: 'eth0', netns: 4711 }),
    'link add veth12 type veth peer name eth0 netns 4711',
  )
})

test('IPv6 addresses skip duplicate address detection, IPv4 addresses have none', () => {
  assert.equal(addressAddLine('10.244.1.5/32', 'eth0'), 'addr add 10.244.1.5/32 dev eth0')
  assert.equal(addressAddLine('fd00::5/128', 'eth0'), 'addr add fd00::5/128 dev eth0 nodad')
})

test('a route is given by gateway, by link, or refused', () => {
  assert.equal(routeReplaceLine({ to: '::/0', via: 'fe80::1', dev: 'eth0' }), 'route replace ::/0 via fe80::1 dev eth0')
  assert.equal(
    routeReplaceLine({ to: '10.0.0.1', dev: 'eth0', onLink: true }),
    'route replace 10.0.0.1 dev eth0 scope link',
  )
  assert.equal(
    routeReplaceLine({ to: '10.244.1.0/24', kind: 'unreachable' }),
    'route replace unreachable 10.244.1.0/24',
  )
})

test('no name can smuggle in a second word or line', () => {
  for (const name of ['eth0 down', 'eth0\nlink del lo', '', '-force', 'a"b', 'a-name-that-is-far-too-long']) {
    assert.throws(
      () => linkUpLine(name),
      (error) => hasCode(error, 'SBX_LINK_BAD_NAME'),
      name,
    )
  }
})
