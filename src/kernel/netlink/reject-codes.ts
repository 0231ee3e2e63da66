/** `reject with …` as the numbers of the reject expression (nft_reject.h, icmp.h, icmpv6.h). */
import { SignalboxError } from '#lib'
import type { NftFamily } from '#rulesets/nftables'

const UNREACHABLE = 0
const TCP_RESET = 1
const ICMPX = 2

const CODES: Readonly<Record<'icmp' | 'icmpv6' | 'icmpx', Readonly<Record<string, number>>>> = {
  icmp: {
    'net-unreachable': 0,
    'host-unreachable': 1,
    'prot-unreachable': 2,
    'port-unreachable': 3,
    'net-prohibited': 9,
    'host-prohibited': 10,
    'admin-prohibited': 13,
  },
  icmpv6: {
    'no-route': 0,
    'admin-prohibited': 1,
    'addr-unreachable': 3,
    'port-unreachable': 4,
    'policy-fail': 5,
    'reject-route': 6,
  },
  icmpx: { 'no-route': 0, 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 },
}

export type RejectNumbers = { readonly type: number; readonly code: number }

export function rejectNumbers(text: string | undefined, family: NftFamily): RejectNumbers {
  if (text === 'tcp reset') return { type: TCP_RESET, code: 0 }
  const [protocol = '', name = ''] = (text ?? `${defaultProtocol(family)} port-unreachable`).split(' ')
  // nft reads the codes of icmpx wrongly in tables of one family (tried with 1.0.6).
  const fits = isProtocol(protocol) && (protocol === 'icmpx') === (family === 'inet')
  const code = fits ? CODES[protocol][name] : undefined
  if (code === undefined) throw new SignalboxError('SBX_NFT_REJECTED', `there is no way to reject with ${text}`)
  return { type: protocol === 'icmpx' ? ICMPX : UNREACHABLE, code }
}

/** `undefined` for the family's default, `'?'` for numbers without a name. */
export function rejectName({ type, code }: RejectNumbers, family: NftFamily): string | undefined {
  if (type === TCP_RESET) return 'tcp reset'
  const protocol = type === ICMPX ? 'icmpx' : family === 'ip6' ? 'icmpv6' : 'icmp'
  const name = Object.entries(CODES[protocol]).find(([, number]) => number === code)?.[0]
  if (name === undefined) return '?'
  return name === 'port-unreachable' && protocol === defaultProtocol(family) ? undefined : `${protocol} ${name}`
}

function defaultProtocol(family: NftFamily): 'icmp' | 'icmpv6' | 'icmpx' {
  return family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx'
}

function isProtocol(text: string): text is keyof typeof CODES {
  return Object.hasOwn(CODES, text)
}
