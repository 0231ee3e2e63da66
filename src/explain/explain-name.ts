/**
 * What becomes of a name that a pod asks for: every name its resolver tries, the answer to each, and why, from the same
 * zone that the DNS server answers from. Pure.
 */
import { formatRecord, nameFromText, rcodeName, TYPE } from '#dns'
import type { AnswerReason, Zone } from '#dns'

import type { NameFacts } from './answer-in-words.ts'
import { answerInWords } from './answer-in-words.ts'
import type { NameResolver } from './name-resolver.ts'
import { namesTried } from './name-resolver.ts'

export type NameQuery = {
  readonly name: string
  readonly type: 'A' | 'AAAA'
  /** `elsewhere`: not for this zone, so that its upstreams decide. */
  readonly outcome: 'answered' | 'no-data' | 'no-such-name' | 'servfail' | 'elsewhere'
  readonly rcode: string
  /** As in a master file. */
  readonly answers: readonly string[]
  readonly reason: AnswerReason | { readonly code: 'outside-zone' | 'reverse-not-found' | 'not-a-name' }
  readonly text: string
}

export type NameStep = {
  readonly name: string
  readonly search?: string
  readonly queries: readonly NameQuery[]
}

export type NameExplanation = {
  readonly name: string
  readonly from?: string
  readonly resolver: NameResolver
  readonly steps: readonly NameStep[]
  /** `unknown`: outside of the cluster, upstreams were not asked. */
  readonly verdict: 'resolves' | 'does-not-resolve' | 'unknown'
  readonly addresses: readonly string[]
  /** Names that were tried in vain before. */
  readonly misses: number
}

export type ExplainNameInput = {
  readonly name: string
  readonly from?: string
  readonly resolver: NameResolver
  readonly zone: Zone
  readonly facts: NameFacts
}

const TYPES = ['A', 'AAAA'] as const

export function explainName(input: ExplainNameInput): NameExplanation {
  const { name, resolver } = input
  const steps: NameStep[] = []
  let verdict: NameExplanation['verdict'] = 'does-not-resolve'
  for (const tried of namesTried(name, resolver)) {
    const queries = TYPES.map((type) => explainQuery(tried.name, type, input))
    steps.push({ name: tried.name, ...(tried.search === undefined ? {} : { search: tried.search }), queries })
    if (queries.some(({ outcome }) => outcome === 'answered')) verdict = 'resolves'
    else if (queries.some(({ outcome }) => outcome === 'elsewhere')) verdict = 'unknown'
    // SERVFAIL of the only server is the end of it; NXDOMAIN and NODATA go on with the next name.
    else if (queries.every(({ outcome }) => outcome !== 'servfail')) continue
    break
  }
  return {
    name,
    ...(input.from === undefined ? {} : { from: input.from }),
    resolver,
    steps,
    verdict,
    addresses: steps.at(-1)?.queries.flatMap(({ answers }) => answers.flatMap(addressIn)) ?? [],
    misses: verdict === 'does-not-resolve' ? steps.length : steps.length - 1,
  }
}

/** The last word of an A or AAAA record. */
function addressIn(answer: string): string[] {
  const [, , , type, data] = answer.split(' ')
  return (type === 'A' || type === 'AAAA') && data !== undefined ? [data] : []
}

function explainQuery(text: string, type: 'A' | 'AAAA', input: ExplainNameInput): NameQuery {
  const name = nameFromText(text)
  if (name === undefined) {
    const reason = { code: 'not-a-name' } as const
    return {
      name: text,
      type,
      outcome: 'no-such-name',
      rcode: '-',
      answers: [],
      reason,
      text: 'is not a domain name: labels have 1 to 63 characters, names at most 253',
    }
  }
  const found = input.zone.lookup({ name, type: TYPE[type], class: 1 })
  if (found.kind === 'pass') {
    const { reason } = found
    return {
      name: text,
      type,
      outcome: 'elsewhere',
      rcode: '-',
      answers: [],
      reason,
      text: 'is not of the cluster: its answer is that of the upstream resolvers',
    }
  }
  const rcode = rcodeName(found.rcode)
  const base = {
    name: text,
    type,
    rcode,
    answers: found.answers.map(formatRecord),
    reason: found.reason,
    text: answerInWords(found.reason, input.facts),
  }
  if (found.follow !== undefined) return { ...base, outcome: 'elsewhere' }
  if (rcode === 'SERVFAIL') return { ...base, outcome: 'servfail' }
  if (rcode === 'NXDOMAIN') return { ...base, outcome: 'no-such-name' }
  return { ...base, outcome: found.answers.length > 0 ? 'answered' : 'no-data' }
}
