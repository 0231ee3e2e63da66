/** `a-b-c-d.<ns>.pod.<zone>`: the address is in the name. Deprecated in schema 1.1.0, still asked for by conformance. */
import type { Name } from '../wire/index.ts'
import type { Denial } from './build-answer.ts'
import { noData, noName, positive, record } from './build-answer.ts'
import type { ClusterName } from './parse-cluster-name.ts'
import type { PodIndex } from './pod-index.ts'
import type { Address } from './service-records.ts'
import { addressOf } from './service-records.ts'
import type { PodsMode, ZoneAnswer } from './zone-types.ts'

export type PodQuestion = {
  readonly qname: Name
  readonly type: number
  readonly asked: Extract<ClusterName, { kind: 'pod' }>
  readonly ttl: number
  readonly pods: PodsMode
  readonly index: PodIndex
}

export function answerPod(question: PodQuestion): ZoneAnswer | Denial {
  const { asked, type, qname, ttl } = question
  if (question.pods === 'disabled') return noName({ code: 'pods-disabled' })
  const address = addressInLabel(asked.label)
  if (address === undefined) return noName({ code: 'pod-name-not-an-address', label: asked.label })
  const { namespace } = asked
  if (question.pods === 'verified' && !question.index.has(namespace, address.text)) {
    return noName({ code: 'no-such-pod', namespace, address: address.text }, ['pods'])
  }
  if (type === address.type) {
    return positive({ code: 'pod-address', namespace }, [record(qname, type, { ttl, data: address.data })])
  }
  return noData({ code: 'no-data-here' })
}

/** `10-1-0-3` or `fd00--1`; IPv4 without leading zeros, as Go's net.ParseIP reads it. */
function addressInLabel(label: string): Address | undefined {
  if (/^\d{1,3}(?:-\d{1,3}){3}$/.test(label)) {
    const text = label.replaceAll('-', '.')
    return /(?:^|\.)0\d/.test(text) ? undefined : addressOf(text)
  }
  return /^[0-9a-f-]+$/.test(label) && label.includes('-') ? addressOf(label.replaceAll('-', ':')) : undefined
}
