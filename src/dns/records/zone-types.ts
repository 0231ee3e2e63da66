import type { Name, ResourceRecord } from '../wire/index.ts'
import type { AnswerReason, PassReason } from './reasons.ts'

/**
 * `disabled`: no `a-b-c-d.<ns>.pod.<zone>`; `insecure`: the address in the name is the answer, no pod is looked at;
 * `verified`: only if a pod of that namespace has it.
 */
export type PodsMode = 'disabled' | 'insecure' | 'verified'

export type RecordOptions = {
  /** TTL of every record, seconds. */
  readonly ttl: number
  readonly pods: PodsMode
  /** Namespaces whose names are answered; all if not given. */
  readonly namespaces?: readonly string[]
  /** Name endpoints without a hostname after their pod instead of their address. */
  readonly endpointPodNames: boolean
  /** A ClusterIP service without ready endpoints does not exist. */
  readonly ignoreEmptyService: boolean
}

export type ZoneAnswer = {
  readonly kind: 'answer'
  readonly rcode: number
  readonly answers: readonly ResourceRecord[]
  readonly authority: readonly ResourceRecord[]
  readonly additional: readonly ResourceRecord[]
  readonly reason: AnswerReason
  /** An ExternalName that leaves the zone: `answers` holds the CNAMEs so far, this name is to be resolved elsewhere. */
  readonly follow?: Name
}

export type ZoneResult = ZoneAnswer | { readonly kind: 'pass'; readonly reason: PassReason }
