/** What follows `-j` or `-g`. An option that the value type cannot hold makes the whole target `other`, never half of it. */
import type { Family } from '#lib'

import type { Target } from './ast.ts'
import { FULL_MASK, parseMark, type Mark } from './parse-mark.ts'
import type { Word } from './tokenize.ts'

type Verdict = { readonly option: 'jump' | 'goto'; readonly name: string; readonly words: readonly Word[] }
type Context = { readonly family: Family; isChain(name: string): boolean }

export function parseTarget(verdict: Verdict, context: Context): Target {
  const { name, words } = verdict
  if (verdict.option === 'goto') return { kind: 'goto', chain: name }
  // iptables refuses chains named like a target, so the order of these questions cannot change the answer.
  return (
    readers[name]?.(words, context.family) ??
    (isJump(verdict, context) ? { kind: 'jump', chain: name } : other(verdict))
  )
}

/** In a fragment for `--noflush` a chain need not be declared; anything that takes no options and is no known target is one. */
function isJump({ name, words }: Verdict, context: Context): boolean {
  return context.isChain(name) || (words.length === 0 && !EXTENSIONS.has(name))
}

/** Targets that may stand without an option. */
const EXTENSIONS: ReadonlySet<string> = new Set(
  'AUDIT CHECKSUM CLUSTERIP CT ECN LOG NETMAP NFLOG NFQUEUE NOTRACK QUEUE SYNPROXY TCPMSS TRACE MASQUERADE REDIRECT MARK'.split(
    ' ',
  ),
)

const readers: Readonly<Record<string, (words: readonly Word[], family: Family) => Target | undefined>> = {
  ACCEPT: (words) => (words.length === 0 ? { kind: 'accept' } : undefined),
  DROP: (words) => (words.length === 0 ? { kind: 'drop' } : undefined),
  RETURN: (words) => (words.length === 0 ? { kind: 'return' } : undefined),

  REJECT: (words, family) => {
    if (words.length === 0) return { kind: 'reject', with: defaultReject(family) }
    return words.length === 2 && words[0]?.raw === '--reject-with'
      ? { kind: 'reject', with: words[1]?.text ?? '' }
      : undefined
  },

  MARK: ([option, argument, ...rest]) => {
    const mark = argument === undefined || rest.length > 0 ? undefined : parseMark(argument.text)
    const change = mark === undefined ? undefined : toXmark(option?.raw, mark)
    return change === undefined ? undefined : { kind: 'mark', ...change }
  },

  DNAT: (words) => parseNat(words, { kind: 'dnat', option: '--to-destination' }),
  SNAT: (words) => parseNat(words, { kind: 'snat', option: '--to-source' }),

  MASQUERADE: (words) => {
    if (words.length === 0) return { kind: 'masquerade' }
    return words.length === 1 && words[0]?.raw === '--random-fully'
      ? { kind: 'masquerade', randomFully: true }
      : undefined
  },

  REDIRECT: ([option, ports, ...rest]) => {
    if (option === undefined) return { kind: 'redirect' }
    return option.raw === '--to-ports' && ports !== undefined && rest.length === 0
      ? { kind: 'redirect', toPorts: ports.text }
      : undefined
  },
}

/** What REJECT sends if it is not told (xt_REJECT, ip6t_REJECT). */
export function defaultReject(family: Family): string {
  return family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'
}

/** All spellings of MARK are one operation to the kernel: clear `mask`, then XOR `value` (xt_mark). */
function toXmark(option: string | undefined, { value, mask }: Mark): Mark | undefined {
  switch (option) {
    case '--set-xmark':
      return { value, mask }
    case '--set-mark':
      return { value, mask: (mask | value) >>> 0 }
    case '--or-mark':
      return { value, mask: value }
    case '--xor-mark':
      return { value, mask: 0 }
    case '--and-mark':
      return { value: 0, mask: (FULL_MASK & ~value) >>> 0 }
    case undefined:
    default:
      return undefined
  }
}

function parseNat(
  words: readonly Word[],
  { kind, option }: { readonly kind: 'dnat' | 'snat'; readonly option: string },
): Target | undefined {
  const [first, to, ...flags] = words
  if (first?.raw !== option || to === undefined) return undefined
  if (flags.some((flag) => !/^--(?:random|random-fully|persistent)$/.test(flag.raw))) return undefined
  return { kind, to: to.text, ...(flags.length === 0 ? {} : { flags: flags.map((flag) => flag.raw) }) }
}

function other({ name, words }: Verdict): Target {
  return { kind: 'other', name, arguments: words.map((word) => word.raw) }
}
