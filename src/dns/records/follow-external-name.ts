/**
 * ExternalName: one CNAME, then the target. A target inside the zone is resolved here, through at most ten aliases; one
 * outside is left to the caller (`follow`).
 *
 * Differs from CoreDNS (reference section 13): a target inside the zone that does not exist is said to be so, NXDOMAIN
 * with the CNAME (RFC 2308 2.1), instead of an empty answer.
 */
import type { Name, ResourceRecord } from '../wire/index.ts'
import { lowerName, RCODE, TYPE, zoneOffset } from '../wire/index.ts'
import type { ServiceName } from './answer-service.ts'
import type { Denial } from './build-answer.ts'
import { noData, noName, positive, record } from './build-answer.ts'
import type { ServiceRecords } from './service-records.ts'
import type { ZoneAnswer } from './zone-types.ts'

const MAX_ALIASES = 10

export type ExternalQuestion = {
  readonly qname: Name
  readonly type: number
  readonly asked: ServiceName
  readonly zone: Name
  readonly ttl: number
  /** Services passed on the way here. */
  readonly passed: readonly string[]
}

export function followExternalName(
  records: ServiceRecords,
  question: ExternalQuestion,
  resolve: (target: Name, passed: readonly string[]) => ZoneAnswer,
): ZoneAnswer | Denial {
  const { qname, type, asked, ttl, passed } = question
  const { key: service, externalName, externalTarget: target } = records
  if (asked.endpoint !== undefined || asked.port !== undefined || asked.protocol !== undefined) {
    return noName({ code: 'external-name-has-no-parts', service })
  }
  if (target === undefined) return noName({ code: 'external-name-unusable', service, externalName })
  const alias: ResourceRecord = record(qname, TYPE.CNAME, { ttl, data: { kind: 'name', target } })
  const found = positive({ code: 'external-name', service, target: externalName }, [alias])
  if (type === TYPE.CNAME) return found
  if (type !== TYPE.A && type !== TYPE.AAAA) return noData({ code: 'no-record-of-type', service })
  if (passed.includes(service) || passed.length >= MAX_ALIASES) return noData({ code: 'external-name-loop', service })
  if (zoneOffset(lowerName(target), question.zone) < 0) return { ...found, follow: target }
  const inner = resolve(target, [...passed, service])
  if (inner.rcode === RCODE.SERVFAIL) return inner
  if (inner.rcode === RCODE.NOERROR && inner.answers.length === 0) return noData(inner.reason)
  return { ...inner, answers: [alias, ...inner.answers] }
}
