/** A table that uses everything a service proxy needs of the kernel: numgen, fib, nat, masq, reject, maps with timeouts. */
import type { NftChange, NftFamily, NftSetHeader } from '#rulesets/nftables'

export function probeChanges(family: NftFamily): readonly NftChange[] {
  const v6 = family === 'ip6'
  const [address, daddr] = v6 ? (['ipv6_addr', 'ip6 daddr'] as const) : (['ipv4_addr', 'ip daddr'] as const)
  const saddr = v6 ? 'ip6 saddr' : 'ip saddr'
  const endpoints: NftSetHeader = {
    name: 'endpoints',
    key: [address, 'inet_proto', 'inet_service', 'integer'],
    data: [address, 'inet_service'],
    typeof: {
      key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus: 65_536 }],
      data: [daddr, 'th dport'],
    },
  }
  const learned: NftSetHeader = {
    name: 'learned',
    key: [address],
    flags: ['dynamic', 'timeout'],
    timeout: 1000,
    size: 16,
  }
  return [
    { change: 'add-table' },
    { change: 'add-set', set: endpoints },
    { change: 'add-set', set: learned },
    // Translations are only accepted in chains that are hooked, so packets may meet these for a moment.
    {
      change: 'add-chain',
      chain: { name: 'nat', base: { type: 'nat', hook: 'prerouting', priority: 32_000, policy: 'accept' } },
    },
    {
      change: 'add-chain',
      chain: { name: 'post', base: { type: 'nat', hook: 'postrouting', priority: 32_000, policy: 'accept' } },
    },
    { change: 'add-chain', chain: { name: 'check' } },
    {
      change: 'add-rule',
      chain: 'nat',
      rule: {
        statements: [
          // What stands behind it is checked by the kernel and never executed.
          { kind: 'verdict', verdict: 'return' },
          { kind: 'match', field: 'fib daddr type', value: 'local' },
          {
            kind: 'dnat',
            to: {
              key: [daddr, 'meta l4proto', 'th dport', { numgen: 'random', modulus: 2 }],
              map: { name: endpoints.name },
              withPort: true,
            },
          },
        ],
      },
    },
    {
      change: 'add-rule',
      chain: 'post',
      rule: {
        statements: [
          { kind: 'verdict', verdict: 'return' },
          { kind: 'masquerade', flags: ['fully-random'] },
        ],
      },
    },
    {
      change: 'add-rule',
      chain: 'check',
      rule: { statements: [{ kind: 'update', set: learned.name, key: [saddr], timeout: 500 }, { kind: 'reject' }] },
    },
  ]
}
