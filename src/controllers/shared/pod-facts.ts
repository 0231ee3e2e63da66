/** What of a pod makes it an endpoint (k8s.io/endpointslice util, api-server.md 15.1); malformed fields read as absent. */
import type { Pod } from '#api'
import type { Family } from '#lib'
import { familyOf } from '#lib'

export function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True')
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined
}

/** First address of that family, as the pod has it. */
export function addressOf(pod: Pod, family: Family): string | undefined {
  const { podIPs, podIP } = pod.status ?? {}
  const addresses = (podIPs ?? []).map(({ ip }) => ip)
  if (addresses.length === 0 && podIP !== undefined) addresses.push(podIP)
  return addresses.find((address) => typeof address === 'string' && familyOf(address) === family)
}

/** When the pod last became ready or unready, RFC 3339. */
export function readySince(pod: Pod): string | undefined {
  return (pod.status?.conditions ?? []).find(({ type }) => type === 'Ready')?.lastTransitionTime
}

/** Changes of a pod that no endpoint shows (heartbeats of probes, container counters) are not worth a sync. */
export function endpointFacts(pod: Pod | undefined): string {
  if (pod === undefined) return ''
  const { metadata, spec, status } = pod
  return JSON.stringify([
    metadata.uid,
    metadata.labels,
    metadata.deletionTimestamp !== undefined,
    spec?.nodeName,
    spec?.hostname,
    spec?.subdomain,
    isFinished(pod),
    isReady(pod),
    readySince(pod),
    status?.podIP,
    status?.podIPs,
  ])
}
