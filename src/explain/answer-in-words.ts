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

export function answerInWords(reason: AnswerReason, facts: NameFacts): string {
  switch (reason.code) {
    case 'cluster-ip':
      return `is the cluster IP of Service ${reason.service}`
    case 'headless-endpoints':
      return `is the addresses of the ready endpoints of headless Service ${reason.service}`
    case 'endpoint':
      return `is an endpoint of Service ${reason.service}`
    case 'external-name':
      return `is an alias: Service ${reason.service} is of type ExternalName and leads to ${reason.target}`
    case 'pod-address':
      return 'is the address in the name'
    case 'zone-apex':
      return 'is the cluster zone itself'
    case 'dns-version':
      return 'tells the version of the DNS schema'
    case 'name-server':
      return 'is the name server of the zone'
    case 'reverse-cluster-ip':
      return `is the cluster IP of Service ${reason.services.join(', ')}`
    case 'reverse-endpoint':
      return `is an endpoint of Service ${reason.services.join(', ')}`
    case 'no-data-here':
      return 'exists, but only as a parent of other names: it has no address'
    case 'no-record-of-type':
      return `is Service ${reason.service}, which has no record of this type`
    case 'wrong-family':
      return `is Service ${reason.service}, which has ${reason.has} addresses only`
    case 'no-ports':
      return `is Service ${reason.service}, which has no ports`
    case 'external-name-loop':
      return `leads in a circle: ExternalName Services that point at each other, ${reason.service} among them`
    case 'not-synced':
      return `cannot be told yet: ${reason.waitingFor.join(', ')} have not been listed`
    case 'pods-disabled':
      return 'would be the name of a pod address, and those are turned off'
    case 'pod-name-not-an-address':
      return `would be the name of a pod address, but ${reason.label} is no address with dashes`
    case 'no-such-pod':
      return `would be the name of a pod address, but no pod of namespace ${reason.namespace} has ${reason.address}`
    case 'too-many-labels':
      return 'does not exist: no Service has names this deep'
    case 'not-svc-or-pod':
      return `does not exist: below the cluster zone there are svc and pod, not ${reason.label}`
    case 'no-such-address':
      return `is nobody's: ${reason.address} is neither a cluster IP nor a ready endpoint`
    case 'not-an-address':
      return 'is no reverse name of an address'
    default:
      return missing(reason, facts)
  }
}

type Missing = Exclude<
  Extract<AnswerReason, { service: string }> | Extract<AnswerReason, { namespace: string }>,
  { code: 'pod-address' | 'no-such-pod' }
>

function missing(reason: Missing, facts: NameFacts): string {
  switch (reason.code) {
    case 'no-such-namespace':
      return `does not exist: there is no namespace ${reason.namespace}`
    case 'namespace-not-exposed':
      return `is not answered: the DNS server does not serve namespace ${reason.namespace}`
    case 'no-such-service':
      return noSuchService(reason.service, reason.elsewhere, facts)
    case 'no-such-port':
      return `does not exist: Service ${reason.service} has the ports ${reason.ports.join(', ') || 'none'}`
    case 'no-such-endpoint':
      return `does not exist: Service ${reason.service} has no endpoint ${reason.endpoint}`
    case 'endpoint-not-ready':
      return `is not answered: endpoint ${reason.endpoint} of Service ${reason.service} is not ready${because(reason.service, facts)}`
    case 'headless-no-ready-endpoint':
      return `does not exist: headless Service ${reason.service} has no ready endpoint${because(reason.service, facts)}`
    case 'empty-service-ignored':
      return `does not exist: Service ${reason.service} has no ready endpoint, and such Services are left out`
    case 'no-cluster-ip':
      return `does not exist: Service ${reason.service} has no cluster IP yet`
    case 'external-name-has-no-parts':
      return `does not exist: Service ${reason.service} is of type ExternalName and has neither ports nor endpoints`
    case 'external-name-unusable':
      return `does not exist: the externalName ${reason.externalName} of Service ${reason.service} is not a domain name`
    default:
      return 'is answered'
  }
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
