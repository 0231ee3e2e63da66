/** The zone's reasons as sentences that follow a name, with what the cluster's objects add to them. Pure. */
import type { EndpointSlice, Pod, Service } from '#api'
import { selectorMatches } from '#api'
import type { AnswerReason } from '#dns'

export type NameFacts = {
  /** By `namespace/name`. */
  readonly service: (key: string) => Service | undefined
  readonly slicesOf: (key: string) => readonly EndpointSlice[]
  readonly pods: readonly Pod[]
  /** Of the pod that asks. */
  readonly namespace: string
}

type Words = {
  readonly [Code in AnswerReason['code']]: (reason: AnswerReason & { readonly code: Code }, facts: NameFacts) => string
}

const WORDS: Words = {
  'cluster-ip': (reason) => `is the cluster IP of Service ${reason.service}`,
  'headless-endpoints': (reason) => `is the addresses of the ready endpoints of headless Service ${reason.service}`,
  endpoint: (reason) => `is an endpoint of Service ${reason.service}`,
  'external-name': (reason) =>
    `is an alias: Service ${reason.service} is of type ExternalName and leads to ${reason.target}`,
  'pod-address': () => 'is the address in the name',
  'zone-apex': () => 'is the cluster zone itself',
  'dns-version': () => 'tells the version of the DNS schema',
  'name-server': () => 'is the name server of the zone',
  'reverse-cluster-ip': (reason) => `is the cluster IP of Service ${reason.services.join(', ')}`,
  'reverse-endpoint': (reason) => `is an endpoint of Service ${reason.services.join(', ')}`,
  'no-data-here': () => 'exists, but only as a parent of other names: it has no address',
  'no-record-of-type': (reason) => `is Service ${reason.service}, which has no record of this type`,
  'wrong-family': (reason) => `is Service ${reason.service}, which has ${reason.has} addresses only`,
  'no-ports': (reason) => `is Service ${reason.service}, which has no ports`,
  'external-name-loop': (reason) =>
    `leads in a circle: ExternalName Services that point at each other, ${reason.service} among them`,
  'not-synced': (reason) => `cannot be told yet: ${reason.waitingFor.join(', ')} have not been listed`,
  'pods-disabled': () => 'would be the name of a pod address, and those are turned off',
  'pod-name-not-an-address': (reason) =>
    `would be the name of a pod address, but ${reason.label} is no address with dashes`,
  'no-such-pod': (reason) =>
    `would be the name of a pod address, but no pod of namespace ${reason.namespace} has ${reason.address}`,
  'too-many-labels': () => 'does not exist: no Service has names this deep',
  'not-svc-or-pod': (reason) => `does not exist: below the cluster zone there are svc and pod, not ${reason.label}`,
  'no-such-address': (reason) => `is nobody's: ${reason.address} is neither a cluster IP nor a ready endpoint`,
  'not-an-address': () => 'is no reverse name of an address',
  'no-such-namespace': (reason) => `does not exist: there is no namespace ${reason.namespace}`,
  'namespace-not-exposed': (reason) => `is not answered: the DNS server does not serve namespace ${reason.namespace}`,
  'no-such-service': (reason, facts) => noSuchService(reason.service, reason.elsewhere, facts),
  'no-such-port': (reason) =>
    `does not exist: Service ${reason.service} has the ports ${reason.ports.join(', ') || 'none'}`,
  'no-such-endpoint': (reason) => `does not exist: Service ${reason.service} has no endpoint ${reason.endpoint}`,
  'endpoint-not-ready': (reason, facts) =>
    `is not answered: endpoint ${reason.endpoint} of Service ${reason.service} is not ready${because(reason.service, facts)}`,
  'headless-no-ready-endpoint': (reason, facts) =>
    `does not exist: headless Service ${reason.service} has no ready endpoint${because(reason.service, facts)}`,
  'empty-service-ignored': (reason) =>
    `does not exist: Service ${reason.service} has no ready endpoint, and such Services are left out`,
  'no-cluster-ip': (reason) => `does not exist: Service ${reason.service} has no cluster IP yet`,
  'external-name-has-no-parts': (reason) =>
    `does not exist: Service ${reason.service} is of type ExternalName and has neither ports nor endpoints`,
  'external-name-unusable': (reason) =>
    `does not exist: the externalName ${reason.externalName} of Service ${reason.service} is not a domain name`,
}

export function answerInWords(reason: AnswerReason, facts: NameFacts): string {
  // Each entry takes the reasons of its own code, and it is found by that code.
  const words = WORDS[reason.code] as (reason: AnswerReason, facts: NameFacts) => string
  return words(reason, facts)
}

function noSuchService(service: string, elsewhere: readonly string[], facts: NameFacts): string {
  const [namespace = '', name = ''] = service.split('/')
  const start = `does not exist: there is no Service ${name} in namespace ${namespace}`
  if (elsewhere.length === 0) return start
  const [first] = elsewhere
  const where = elsewhere.length === 1 ? `namespace ${elsewhere.join()}` : `the namespaces ${elsewhere.join(', ')}`
  // From that pod, the name with its namespace is enough.
  return `${start}, but there is one of that name in ${where}: from namespace ${facts.namespace} it is ${name}.${first}`
}

/** Why a Service has no ready endpoint: what its pods say. */
function because(key: string, facts: NameFacts): string {
  const service = facts.service(key)
  const selector = service?.spec.selector
  const [namespace = ''] = key.split('/')
  if (selector === undefined || Object.keys(selector).length === 0) {
    return slicesIn(facts.slicesOf(key)) === 0
      ? ': it has no selector, and nobody gave it endpoints'
      : ': its endpoints say so'
  }
  const pods = facts.pods.filter(
    (pod) => pod.metadata.namespace === namespace && selectorMatches({ matchLabels: selector }, pod.metadata.labels),
  )
  if (pods.length === 0) {
    const wanted = Object.entries(selector).map(([label, value]) => `${label}=${value}`)
    return `: no pod has the labels it selects, ${wanted.join(', ')}`
  }
  return ` because ${pods.map(podInWords).join('; ')}`
}

function slicesIn(slices: readonly EndpointSlice[]): number {
  return slices.reduce((sum, slice) => sum + (slice.endpoints ?? []).length, 0)
}

/** `pod db-0 is not ready (ContainersNotReady: containers with unready status: [db])` */
export function podInWords(pod: Pod): string {
  const { name, deletionTimestamp } = pod.metadata
  const { phase, podIP, conditions = [], containerStatuses = [] } = pod.status ?? {}
  if (deletionTimestamp !== undefined && deletionTimestamp !== null) return `pod ${name} is terminating`
  if (phase === 'Succeeded' || phase === 'Failed') return `pod ${name} has ended (${phase})`
  const waiting = containerStatuses.flatMap(({ name: container, state }) =>
    state?.waiting === undefined ? [] : [`container ${container} is waiting: ${text(state.waiting)}`],
  )
  const bad = conditions.filter(
    ({ type, status }) => status === 'False' && (type === 'Ready' || type === 'PodScheduled'),
  )
  const said = bad.map(({ type, reason, message }) => `${type} is False, ${text({ reason, message })}`)
  if (podIP === undefined || podIP === '') return `pod ${name} has no address yet${details([...said, ...waiting])}`
  if (bad.length === 0 && waiting.length === 0) return `pod ${name} is ready, but its endpoint does not say so yet`
  return `pod ${name} is not ready${details([...said, ...waiting])}`
}

function text(from: { readonly reason?: string | undefined; readonly message?: string | undefined }): string {
  return [from.reason, from.message].filter((part) => part !== undefined && part !== '').join(': ') || 'no reason given'
}

function details(parts: readonly string[]): string {
  return parts.length === 0 ? '' : ` (${parts.join('; ')})`
}
