/** Records and answers of a zone, from the parts every answer shares: TTL, SOA, and what has been listed so far. */
import type { Name, RecordData, ResourceRecord } from '../wire/index.ts'
import { CLASS, prefixName, RCODE, TYPE } from '../wire/index.ts'
import type { AnswerReason, ClusterResource } from './reasons.ts'
import type { ZoneAnswer } from './zone-types.ts'

export type AnswerContext = {
  readonly ttl: number
  /** SOA serial: Unix seconds of the last change, 0 before the first complete list. */
  readonly serial: number
  /** What has not been listed yet. */
  readonly unsynced: ReadonlySet<ClusterResource>
}

/** RFC 2308: a negative answer is cached no longer than this many seconds, whatever the zone's TTL. */
const MAX_NEGATIVE_TTL = 300
const NONE: readonly ResourceRecord[] = []

export function record(name: Name, type: number, rest: { ttl: number; data: RecordData }): ResourceRecord {
  return { name, type, class: CLASS.IN, ttl: rest.ttl, data: rest.data }
}

export function recordSet(
  name: Name,
  type: number,
  rest: { ttl: number; data: readonly RecordData[] },
): ResourceRecord[] {
  return rest.data.map((data) => record(name, type, { ttl: rest.ttl, data }))
}

/** `zone` in the case of the question, so that the owner can point into it. */
export function soaRecord(zone: Name, context: AnswerContext): ResourceRecord {
  const data: RecordData = {
    kind: 'soa',
    mname: prefixName(['ns', 'dns'], zone),
    rname: prefixName(['hostmaster'], zone),
    serial: context.serial,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: context.ttl,
  }
  return record(zone, TYPE.SOA, { ttl: Math.min(context.ttl, MAX_NEGATIVE_TTL), data })
}

export function positive(
  reason: AnswerReason,
  answers: readonly ResourceRecord[],
  additional: readonly ResourceRecord[] = NONE,
): ZoneAnswer {
  return { kind: 'answer', rcode: RCODE.NOERROR, answers, authority: NONE, additional, reason }
}

export type Denial = {
  readonly rcode: typeof RCODE.NOERROR | typeof RCODE.NXDOMAIN
  readonly reason: AnswerReason
  /** What the denial rests on: while one of these has not been listed, the answer is SERVFAIL. */
  readonly restsOn: readonly ClusterResource[]
}

export function noData(reason: AnswerReason, restsOn: readonly ClusterResource[] = []): Denial {
  return { rcode: RCODE.NOERROR, reason, restsOn }
}

export function noName(reason: AnswerReason, restsOn: readonly ClusterResource[] = []): Denial {
  return { rcode: RCODE.NXDOMAIN, reason, restsOn }
}

/** "There is none" may only be said by someone who has seen the whole list. */
export function deny(denial: Denial, zone: Name, context: AnswerContext): ZoneAnswer {
  const authority = [soaRecord(zone, context)]
  const waitingFor = denial.restsOn.filter((resource) => context.unsynced.has(resource))
  const known = waitingFor.length === 0
  return {
    kind: 'answer',
    rcode: known ? denial.rcode : RCODE.SERVFAIL,
    answers: NONE,
    authority,
    additional: NONE,
    reason: known ? denial.reason : { code: 'not-synced', waitingFor },
  }
}
