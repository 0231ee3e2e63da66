/**
 * The words after `-A CHAIN` as a rule.
 *
 * iptables lets options of loaded modules stand anywhere behind their `-m`, and options of the protocol's own module even
 * without one (`-m tcp -p tcp -d 10.0.0.1 --dport 80`, as kube-proxy writes them). So words are first dealt out to the
 * module they belong to, and each module's share is then read by itself.
 */
import { canonicalAddress, parseCidr, type Family } from '#lib'

import type { Match, Rule, Target } from './ast.ts'
import { parseModule } from './parse-module.ts'
import { parseTarget } from './parse-target.ts'
import type { Word } from './tokenize.ts'

export type RuleContext = { readonly family: Family; isChain(name: string): boolean }

export type ParsedRule =
  { readonly rule: Rule; readonly problem?: undefined } | { readonly rule?: undefined; readonly problem: string }

type Share = { readonly module: string; readonly words: Word[] }
type Draft = {
  readonly parts: (Match | Share)[]
  verdict?: { readonly option: 'jump' | 'goto'; readonly name: string; readonly words: Word[] }
  counters?: Rule['counters']
  /** Who gets the next option that is none of iptables' own. */
  sink?: Word[]
}

const OPTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    source: '-s --source --src',
    destination: '-d --destination --dst',
    protocol: '-p --protocol --proto',
    'in-interface': '-i --in-interface',
    'out-interface': '-o --out-interface',
    fragment: '-f --fragment',
    match: '-m --match',
    jump: '-j --jump',
    goto: '-g --goto',
    counters: '-c --set-counters',
  }).flatMap(([name, spellings]) => spellings.split(' ').map((spelling) => [spelling, name] as const)),
)
const PROTOCOL_OPTION =
  /^--(?:sport|dport|source-port|destination-port|syn|tcp-flags|tcp-option|icmp-type|icmpv6-type|chunk-types)$/
const PROTOCOL_MODULE = /^(?:tcp|udp|udplite|sctp|dccp|icmp|icmp6)$/

export function parseRule(words: readonly Word[], context: RuleContext): ParsedRule {
  const draft: Draft = { parts: [] }
  const queue = words.values()
  let negated = false
  for (const word of queue) {
    const option = OPTIONS.get(word.raw)
    if (word.raw === '!') {
      negated = true
    } else if (option === undefined) {
      const sink = sinkFor(draft, word)
      if (sink === undefined) return { problem: `${word.raw} belongs to no match or target` }
      if (negated) sink.push({ raw: '!', text: '!' })
      negated = false
      sink.push(word)
      // A plain comment is printed without quotes, even one that reads like an option.
      if (word.raw === '--comment') pushNext(queue, sink)
    } else {
      const problem = readOption({ draft, option, queue, negated })
      if (problem !== undefined) return { problem }
      negated = false
    }
  }
  if (negated) return { problem: 'nothing follows the !' }
  return { rule: finish(draft, context) }
}

function readOption(read: {
  readonly draft: Draft
  readonly option: string
  readonly queue: Iterator<Word>
  readonly negated: boolean
}): string | undefined {
  const { draft, option, queue } = read
  if (option === 'fragment') {
    draft.parts.push({ kind: 'other', module: '', arguments: read.negated ? ['!', '-f'] : ['-f'] })
    return undefined
  }
  let value = next(queue)
  // The old place of the negation, before the value: `-s ! 10.0.0.1`.
  const negated = value?.raw === '!' ? true : read.negated
  if (value?.raw === '!') value = next(queue)
  if (value === undefined) return `nothing follows the ${option} option`
  const not = negated ? { negated } : {}
  if (negated && /^(?:match|jump|goto|counters)$/.test(option)) return `the ${option} option cannot be negated`
  switch (option) {
    case 'source':
    case 'destination':
      draft.parts.push({ kind: option, cidr: normalCidr(value.text), ...not })
      break
    case 'protocol':
      draft.parts.push({ kind: option, protocol: value.text.toLowerCase(), ...not })
      break
    case 'in-interface':
    case 'out-interface':
      draft.parts.push({ kind: option, name: value.text, ...not })
      break
    case 'match': {
      const share: Share = { module: value.text, words: [] }
      draft.parts.push(share)
      draft.sink = share.words
      break
    }
    case 'jump':
    case 'goto':
      draft.sink = []
      draft.verdict = { option, name: value.text, words: draft.sink }
      break
    case 'counters': {
      const bytes = next(queue)
      if (bytes === undefined || !/^\d+$/.test(value.text) || !/^\d+$/.test(bytes.text))
        return 'counters are two numbers'
      draft.counters = { packets: BigInt(value.text), bytes: BigInt(bytes.text) }
      break
    }
    default:
      return `option ${option} is not known`
  }
  return undefined
}

function sinkFor(draft: Draft, word: Word): Word[] | undefined {
  if (!PROTOCOL_OPTION.test(word.raw) || draft.verdict !== undefined) return draft.sink
  const loaded = draft.parts.findLast((part) => isShare(part) && PROTOCOL_MODULE.test(part.module))
  if (loaded !== undefined && isShare(loaded)) return (draft.sink = loaded.words)
  const match = draft.parts.find((part) => !isShare(part) && part.kind === 'protocol')
  if (match === undefined || isShare(match) || match.kind !== 'protocol') return draft.sink
  const share: Share = { module: moduleOf(match.protocol), words: [] }
  draft.parts.push(share)
  return (draft.sink = share.words)
}

function moduleOf(protocol: string): string {
  return /^(?:ipv6-icmp|icmpv6|58)$/.test(protocol) ? 'icmp6' : protocol
}

function finish(draft: Draft, context: RuleContext): Rule {
  const matches = draft.parts.flatMap((part) => (isShare(part) ? parseModule(part.module, part.words) : [part]))
  const target: Target | undefined = draft.verdict && parseTarget(draft.verdict, context)
  return {
    matches,
    ...(target === undefined ? {} : { target }),
    ...(draft.counters === undefined ? {} : { counters: draft.counters }),
  }
}

/** `10.0.0.1` → `10.0.0.1/32`, host bits cleared, as iptables-save prints it; what is no CIDR stays as it is. */
function normalCidr(text: string): string {
  const cidr = parseCidr(text)
  if (cidr !== undefined) return `${cidr.network}/${cidr.prefixLength}`
  const address = canonicalAddress(text)
  return address === undefined ? text : `${address}/${address.includes(':') ? 128 : 32}`
}

function isShare(part: Match | Share): part is Share {
  return !('kind' in part)
}

function next(queue: Iterator<Word>): Word | undefined {
  const result = queue.next()
  return result.done === true ? undefined : result.value
}

function pushNext(queue: Iterator<Word>, sink: Word[]): void {
  const word = next(queue)
  if (word !== undefined) sink.push(word)
}
