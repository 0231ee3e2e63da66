/** The names a zone has by itself: its apex, its name servers, and the version of the schema it follows. */
import type { Name, ResourceRecord } from '../wire/index.ts'
import { prefixName, TYPE } from '../wire/index.ts'
import { nameOfOwner } from './answer-reverse.ts'
import type { AnswerContext, Denial } from './build-answer.ts'
import { noData, positive, record, soaRecord } from './build-answer.ts'
import type { ReverseIndex } from './reverse-index.ts'
import type { Address } from './service-records.ts'
import type { ZoneAnswer } from './zone-types.ts'

const SCHEMA_VERSION = Buffer.from('1.1.0')
const VERSION_TTL = 28_800

export type SpecialQuestion = {
  readonly qname: Name
  readonly type: number
  readonly zone: Name
  /** This server's own addresses. */
  readonly ownAddresses: readonly Address[]
}

export function answerApex(
  question: SpecialQuestion & { readonly context: AnswerContext },
  index: ReverseIndex,
): ZoneAnswer | Denial {
  const { qname, type, context } = question
  if (type === TYPE.SOA) return positive({ code: 'zone-apex' }, [soaRecord(qname, context)])
  if (type !== TYPE.NS) return noData({ code: 'no-data-here' })
  const { ttl } = context
  const glue = nameServers(question, index)
  const names = [...new Set(glue.map(({ name }) => name))]
  if (names.length === 0) names.push(lastResort(question.zone))
  const answers = names.map((target) => record(qname, TYPE.NS, { ttl, data: { kind: 'name', target } }))
  const additional = glue.map(({ name, address }) => record(name, address.type, { ttl, data: address.data }))
  return positive({ code: 'zone-apex' }, answers, additional)
}

/** `ns.dns.<zone>`: always there, since every SOA names it. */
export function answerNameServer(question: SpecialQuestion, ttl: number): ZoneAnswer | Denial {
  const answers = question.ownAddresses
    .filter((address) => address.type === question.type)
    .map((address) => record(question.qname, address.type, { ttl, data: address.data }))
  return answers.length > 0 ? positive({ code: 'name-server' }, answers) : noData({ code: 'no-data-here' })
}

export function answerVersion(qname: Name, type: number): ZoneAnswer | Denial {
  if (type !== TYPE.TXT) return noData({ code: 'no-data-here' })
  const text: ResourceRecord = record(qname, TYPE.TXT, {
    ttl: VERSION_TTL,
    data: { kind: 'txt', strings: [SCHEMA_VERSION] },
  })
  return positive({ code: 'dns-version' }, [text])
}

function lastResort(zone: Name): Name {
  return prefixName(['ns', 'dns'], zone)
}

/** The Services this server is an endpoint of, as its clients know it; failing that, its addresses under ns.dns. */
function nameServers(question: SpecialQuestion, index: ReverseIndex): { name: Name; address: Address }[] {
  const { zone, ownAddresses } = question
  const found = new Map<string, { name: Name; address: Address }>()
  for (const own of ownAddresses) {
    for (const owner of index.ownersOf(own.text)) {
      const { records } = owner
      if (owner.label === undefined) continue
      const headless = records.kind === 'Headless'
      const name = nameOfOwner(headless ? owner : { records, label: undefined }, zone)
      for (const address of headless ? [own] : records.clusterAddresses) {
        found.set(`${name} ${address.text}`, { name, address })
      }
    }
  }
  if (found.size > 0) return [...found.values()]
  return ownAddresses.map((address) => ({ name: lastResort(zone), address }))
}
