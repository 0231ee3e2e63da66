/**
 * Zone transfer (RFC 5936), off unless somebody is named: AXFR over TCP is the whole zone between two SOAs; IXFR (RFC
 * 1995) is the SOA alone for who has the current serial, and the whole zone for everybody else.
 */
import { canonicalAddress, cidrContains, parseCidr } from '#lib'
import type { Zone } from '../records/index.ts'
import type { Step } from '../resolve.ts'
import { answered, failure } from '../resolve.ts'
import { lowerName, RCODE, TYPE } from '../wire/index.ts'

export function createTransferStep(zone: Zone, to: readonly string[]): Step {
  const allowed = to.flatMap((text) => {
    if (text === '*') return [...(['0.0.0.0/0', '::/0'] as const)]
    return text.includes('/') ? [text] : [`${text}/${text.includes(':') ? 128 : 32}`]
  })
  const ranges = allowed.flatMap((text) => parseCidr(text) ?? [])
  const may = (client: string): boolean => {
    const address = canonicalAddress(client)
    return address !== undefined && ranges.some((range) => cidrContains(range, address))
  }
  return (query, client) => {
    const { question } = query
    if (question.type !== TYPE.AXFR && question.type !== TYPE.IXFR) return undefined
    if (!may(client.address) || lowerName(question.name) !== zone.name) return failure(RCODE.REFUSED, false)
    if (zone.unsynced.size > 0) return failure(RCODE.SERVFAIL, true)
    const records = zone.transfer()
    const [soa] = records
    if (soa === undefined) return failure(RCODE.SERVFAIL, true)
    const current = soa.data.kind === 'soa' && query.authoritySerial === soa.data.serial
    // RFC 1995 2: over UDP, what does not fit is the SOA alone, and the client comes back over TCP.
    if (question.type === TYPE.IXFR && (current || client.transport === 'udp')) return answered([soa])
    return client.transport === 'tcp' ? { kind: 'transfer', records } : failure(RCODE.REFUSED, false)
  }
}
