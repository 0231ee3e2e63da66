/**
 * Rules that keep the node cache's packets out of connection tracking, and with that out of every proxy's NAT: untracked
 * packets traverse no nat chain, in iptables mode, in nftables mode and in IPVS mode alike (kubernetes/dns node-cache has
 * the same set). Pure.
 */
import { joinHostPort } from '#lib'

export const BYPASS_MODES = ['iptables', 'nftables', 'none'] as const
export type BypassMode = (typeof BYPASS_MODES)[number]

export type BypassTarget = { readonly addresses: readonly string[]; readonly port: number }

/** One rule of iptables or ip6tables, without `-I CHAIN`: what -C and -D need, too. */
export type IptablesRule = {
  readonly six: boolean
  readonly table: 'raw' | 'filter'
  readonly chain: 'PREROUTING' | 'INPUT' | 'OUTPUT'
  readonly match: readonly string[]
}

const COMMENT = ['-m', 'comment', '--comment', 'signalbox node cache: skip conntrack']

export function iptablesBypass(target: BypassTarget): readonly IptablesRule[] {
  const port = String(target.port)
  return target.addresses.flatMap((address) => {
    const six = address.includes(':')
    const host = `${address}/${six ? 128 : 32}`
    return ['udp', 'tcp'].flatMap((protocol): IptablesRule[] => {
      const to = ['-d', host, '-p', protocol, '-m', protocol, '--dport', port, ...COMMENT]
      const from = ['-s', host, '-p', protocol, '-m', protocol, '--sport', port, ...COMMENT]
      const untracked = ['-j', 'CT', '--notrack']
      const accept = ['-j', 'ACCEPT']
      return [
        { six, table: 'raw', chain: 'PREROUTING', match: [...to, ...untracked] },
        { six, table: 'raw', chain: 'OUTPUT', match: [...to, ...untracked] },
        { six, table: 'raw', chain: 'OUTPUT', match: [...from, ...untracked] },
        // Untracked is neither new nor established: firewalls that ask for a state would drop it.
        { six, table: 'filter', chain: 'INPUT', match: [...to, ...accept] },
        { six, table: 'filter', chain: 'OUTPUT', match: [...from, ...accept] },
      ]
    })
  })
}

const TABLE = 'signalbox-node-cache'

/** The whole table at once: made, or made anew, in one transaction. */
export function nftBypass(target: BypassTarget): string {
  const { port } = target
  const rules = (where: 'to' | 'from'): string[] =>
    target.addresses.flatMap((address) => {
      const family = address.includes(':') ? 'ip6' : 'ip'
      const [side, end] = where === 'to' ? ['daddr', 'dport'] : ['saddr', 'sport']
      return ['udp', 'tcp'].map((protocol) => `    ${family} ${side} ${address} ${protocol} ${end} ${port} notrack`)
    })
  return [
    `table inet ${TABLE} {}`,
    `delete table inet ${TABLE}`,
    `table inet ${TABLE} {`,
    `  comment "${target.addresses.map((address) => joinHostPort(address, port)).join(' ')}"`,
    '  chain prerouting {',
    '    type filter hook prerouting priority raw; policy accept;',
    ...rules('to'),
    '  }',
    '  chain output {',
    '    type filter hook output priority raw; policy accept;',
    ...rules('to'),
    ...rules('from'),
    '  }',
    '}',
    '',
  ].join('\n')
}

export const NFT_REMOVE = `table inet ${TABLE} {}\ndelete table inet ${TABLE}\n`
