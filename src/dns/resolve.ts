/**
 * The chain a question passes: the cluster zone, then the upstreams, else REFUSED. The order is this file.
 *
 * Differs from CoreDNS (reference section 13): what the upstream says about the target of an ExternalName is passed on,
 * NXDOMAIN and failure included, with the SOA that lets the client remember it (RFC 2308 2.1).
 */
import type { Forwarder, ForwardQuestion } from './forward/index.ts'
import type { Zone, ZoneAnswer } from './records/index.ts'
import type { Name, Query, ResourceRecord } from './wire/index.ts'
import { CLASS, lowerName, RCODE, TYPE } from './wire/index.ts'

export type Resolution =
  | {
      readonly kind: 'message'
      readonly rcode: number
      readonly authoritative: boolean
      readonly truncated: boolean
      readonly recursionAvailable: boolean
      readonly answers: readonly ResourceRecord[]
      readonly authority: readonly ResourceRecord[]
      readonly additional: readonly ResourceRecord[]
    }
  /** An upstream's reply to exactly this question. */
  | { readonly kind: 'relay'; readonly packet: Buffer }

export type Resolver = (query: Query, client: string) => Resolution | Promise<Resolution>

const NONE: readonly ResourceRecord[] = []

/** Without a forwarder the server is authoritative only. */
export function createResolver(zone: Zone, forwarder: Forwarder | undefined): Resolver {
  return (query, client) => {
    const { question } = query
    if (question.class !== CLASS.IN || question.type === TYPE.AXFR || question.type === TYPE.IXFR) {
      return failure(RCODE.REFUSED, false)
    }
    const found = zone.lookup(question)
    if (found.kind === 'pass') {
      return forwarder === undefined ? failure(RCODE.REFUSED, false) : relay(query, client, forwarder)
    }
    if (found.follow === undefined || forwarder === undefined) return fromZone(found)
    return follow(found, found.follow, forwarder.forward(forwardQuestion(query, found.follow), client))
  }
}

async function relay(query: Query, client: string, forwarder: Forwarder): Promise<Resolution> {
  const result = await forwarder.forward(forwardQuestion(query, query.question.name), client)
  switch (result.kind) {
    case 'reply':
      return result.message.questions.length === 1
        ? { kind: 'relay', packet: result.packet }
        : failure(result.message.rcode & 15, false)
    case 'refused':
      return failure(RCODE.REFUSED, false)
    case 'failed':
      return { ...failure(RCODE.SERVFAIL, false), recursionAvailable: true }
  }
}

/** The upstream's answers after our CNAMEs; of its authority section only the SOA of a negative answer. */
async function follow(
  found: ZoneAnswer,
  target: Name,
  forwarded: ReturnType<Forwarder['forward']>,
): Promise<Resolution> {
  const result = await forwarded
  if (result.kind !== 'reply') return { ...failure(RCODE.SERVFAIL, true), recursionAvailable: true }
  const { message } = result
  const usable = message.rcode === RCODE.NOERROR || message.rcode === RCODE.NXDOMAIN
  if (!usable) return { ...failure(RCODE.SERVFAIL, true), recursionAvailable: true }
  const asked = message.answers.filter((record) => record.class === CLASS.IN)
  return {
    kind: 'message',
    rcode: message.rcode,
    authoritative: true,
    truncated: message.truncated,
    recursionAvailable: true,
    answers: [...found.answers, ...belongingTo(target, asked)],
    authority: message.authority.filter((record) => record.type === TYPE.SOA),
    additional: NONE,
  }
}

/** Records of the target, or of a name its aliases lead to: nothing else was asked for. */
function belongingTo(target: Name, records: readonly ResourceRecord[]): ResourceRecord[] {
  const wanted = new Set([lowerName(target)])
  return records.filter((record) => {
    if (!wanted.has(lowerName(record.name))) return false
    if (record.type === TYPE.CNAME && record.data.kind === 'name') wanted.add(lowerName(record.data.target))
    return true
  })
}

function forwardQuestion(query: Query, name: Name): ForwardQuestion {
  const { question, edns, recursionDesired, authenticData, checkingDisabled } = query
  return { question: { ...question, name }, edns, recursionDesired, authenticData, checkingDisabled }
}

function fromZone(found: ZoneAnswer): Resolution {
  const { rcode, answers, authority, additional } = found
  return {
    kind: 'message',
    rcode,
    authoritative: true,
    truncated: false,
    recursionAvailable: false,
    answers,
    authority,
    additional,
  }
}

function failure(rcode: number, authoritative: boolean): Extract<Resolution, { kind: 'message' }> {
  return {
    kind: 'message',
    rcode,
    authoritative,
    truncated: false,
    recursionAvailable: false,
    answers: NONE,
    authority: NONE,
    additional: NONE,
  }
}
