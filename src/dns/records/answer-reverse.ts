/**
 * PTR (reference section 4): a ClusterIP names its service and nothing else; otherwise every (hostname, service) that
 * has a ready endpoint at the address.
 *
 * A zone made for the cluster's own ranges answers every name in it. A zone that falls through (the CoreDNS default for
 * all of in-addr.arpa and ip6.arpa) answers what it finds and leaves all else, types included, to the next in the chain;
 * but while lists are incomplete it says SERVFAIL, so that cluster addresses do not leak to an upstream.
 */
import { compareText } from '#lib'
import type { ClusterResource } from './reasons.ts'
import type { Name } from '../wire/index.ts'
import { prefixName, TYPE } from '../wire/index.ts'
import type { Denial } from './build-answer.ts'
import { noData, noName, positive, record } from './build-answer.ts'
import type { AddressOwner, ReverseIndex } from './reverse-index.ts'
import { parseReverseName } from './reverse-name.ts'
import type { ZoneAnswer } from './zone-types.ts'

export type ReverseQuestion = {
  readonly qname: Name
  readonly lower: Name
  readonly type: number
  /** The cluster zone, in which the targets lie. */
  readonly zone: Name
  readonly ttl: number
  readonly fallthrough: boolean
}

/** A ClusterIP found is final without slices; that nothing was found is not. */
const RESTS_ON: readonly ClusterResource[] = ['services', 'endpointslices']

/** Undefined: not found, and not ours to deny. */
export function answerReverse(
  index: ReverseIndex,
  question: ReverseQuestion,
  complete: boolean,
): ZoneAnswer | Denial | undefined {
  const { type, fallthrough } = question
  const name = parseReverseName(question.lower)
  const owners = name.kind === 'address' ? index.ownersOf(name.address) : []
  if (owners.length > 0 && type === TYPE.PTR) return pointers(owners, question)
  if (fallthrough && complete) return undefined
  if (name.kind === 'invalid') return noName({ code: 'not-an-address' }, fallthrough ? RESTS_ON : [])
  if (name.kind === 'address' && owners.length === 0) {
    return noName({ code: 'no-such-address', address: name.address }, RESTS_ON)
  }
  return noData({ code: 'no-data-here' }, fallthrough ? RESTS_ON : [])
}

function pointers(owners: readonly AddressOwner[], question: ReverseQuestion): ZoneAnswer {
  const { qname, ttl } = question
  const byKey = owners.toSorted((a, b) => compareText(a.records.key, b.records.key))
  const clusterIp = byKey.find((owner) => owner.label === undefined)
  const named = clusterIp === undefined ? byKey : [clusterIp]
  const answers = named.map((owner) =>
    record(qname, TYPE.PTR, { ttl, data: { kind: 'name', target: nameOfOwner(owner, question.zone) } }),
  )
  const services = [...new Set(named.map((owner) => owner.records.key))]
  return positive({ code: clusterIp === undefined ? 'reverse-endpoint' : 'reverse-cluster-ip', services }, answers)
}

/** `<svc>.<ns>.svc.<zone>`, with the endpoint's label in front where there is one. */
export function nameOfOwner(owner: AddressOwner, zone: Name): Name {
  const { namespace, service } = owner.records
  const labels = [service, namespace, 'svc']
  return prefixName(owner.label === undefined ? labels : [owner.label, ...labels], zone)
}
