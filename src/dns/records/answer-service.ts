/**
 * The answer for `<svc>.<ns>.svc.<zone>` and the names below it: reference sections 4 and 5.
 *
 * Candidates are found first (which port and address pairs the name denotes), then turned into records of the type
 * asked for. No candidate: the name does not exist. Candidates, but none of this type: it exists without data.
 */
import type { Name, RecordData, ResourceRecord } from '../wire/index.ts'
import { prefixName, TYPE } from '../wire/index.ts'
import type { Denial } from './build-answer.ts'
import { noData, noName, positive, record, recordSet } from './build-answer.ts'
import type { ClusterName } from './parse-cluster-name.ts'
import type { AnswerReason, ClusterResource } from './reasons.ts'
import type { Address, EndpointRecord, PortRecord, ServiceRecords } from './service-records.ts'
import type { ZoneAnswer } from './zone-types.ts'

export type ServiceName = Extract<ClusterName, { kind: 'service' }>

export type ServiceQuestion = {
  /** As asked, case kept. */
  readonly qname: Name
  readonly type: number
  readonly asked: ServiceName
  /** Canonical zone name, for names this server writes. */
  readonly zone: Name
  readonly ttl: number
  readonly ignoreEmptyService: boolean
}

type Candidate = { readonly label: string | undefined; readonly address: Address; readonly port: number }

const ON_SLICES: readonly ClusterResource[] = ['endpointslices']

/** ExternalName services are not for here: see follow-external-name.ts. */
export function answerService(records: ServiceRecords, question: ServiceQuestion): ZoneAnswer | Denial {
  const { asked, type } = question
  const service = records.key
  const byEndpoint = records.kind === 'Headless' || asked.endpoint !== undefined
  const restsOn = byEndpoint ? ON_SLICES : []
  if (records.kind === 'ClusterIP' && question.ignoreEmptyService && records.endpoints.length === 0) {
    return noName({ code: 'empty-service-ignored', service }, ON_SLICES)
  }
  const reason: AnswerReason = {
    code: asked.endpoint !== undefined ? 'endpoint' : byEndpoint ? 'headless-endpoints' : 'cluster-ip',
    service,
  }
  if (asked.endpoint === undefined && asked.port === undefined && (type === TYPE.A || type === TYPE.AAAA)) {
    const data = type === TYPE.A ? records.a : records.aaaa
    if (data.length > 0) return positive(reason, recordSet(question.qname, type, { ttl: question.ttl, data }))
  }
  const candidates = byEndpoint ? endpointCandidates(records, asked) : clusterCandidates(records, asked)
  if (candidates.length === 0) return noName(whyNothing(records, asked), restsOn)
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const data = distinctAddresses(candidates, type)
      if (data.length > 0) return positive(reason, recordSet(question.qname, type, { ttl: question.ttl, data }))
      return noData({ code: 'wrong-family', service, has: type === TYPE.A ? 'IPv6' : 'IPv4' }, restsOn)
    }
    case TYPE.SRV: {
      const { answers, additional } = srvRecords(candidates, records, question)
      return answers.length > 0 ? positive(reason, answers, additional) : noData({ code: 'no-ports', service }, restsOn)
    }
    default:
      return noData({ code: 'no-record-of-type', service })
  }
}

function endpointCandidates(records: ServiceRecords, asked: ServiceName): Candidate[] {
  const candidates: Candidate[] = []
  for (const { label, address, ports } of records.endpoints) {
    if (asked.endpoint !== undefined && label !== asked.endpoint) continue
    for (const port of ports) if (matches(port, asked)) candidates.push({ label, address, port: port.number })
  }
  return candidates
}

function clusterCandidates(records: ServiceRecords, asked: ServiceName): Candidate[] {
  const candidates: Candidate[] = []
  for (const port of records.ports) {
    if (!matches(port, asked)) continue
    for (const address of records.clusterAddresses) candidates.push({ label: undefined, address, port: port.number })
  }
  return candidates
}

/** An empty label, once its underscore is gone, matches anything (`_._tcp.web`). */
function matches(port: PortRecord, asked: ServiceName): boolean {
  const nameFits = asked.port === undefined || asked.port === '' || asked.port === port.name
  return nameFits && (asked.protocol === undefined || asked.protocol === '' || asked.protocol === port.protocol)
}

function distinctAddresses(candidates: readonly Candidate[], type: number): RecordData[] {
  const seen = new Map<string, RecordData>()
  for (const { address } of candidates) if (address.type === type) seen.set(address.text, address.data)
  return [...seen.values()]
}

/** The weight counts every candidate, duplicates and both families included, as CoreDNS does (plugin/backend_lookup.go). */
function srvRecords(
  candidates: readonly Candidate[],
  records: ServiceRecords,
  question: ServiceQuestion,
): { answers: ResourceRecord[]; additional: ResourceRecord[] } {
  const { qname, ttl } = question
  const weight = Math.max(1, Math.floor(100 / candidates.length))
  const owner = prefixName([records.service, records.namespace, 'svc'], question.zone)
  const targets = new Map<string, Name>()
  const answers = new Map<string, ResourceRecord>()
  const additional = new Map<string, ResourceRecord>()
  for (const { label, address, port } of candidates) {
    if (port === -1) continue
    const known = targets.get(label ?? '')
    const target = known ?? (label === undefined ? owner : prefixName([label], owner))
    if (known === undefined) targets.set(label ?? '', target)
    const answerKey = `${port} ${target}`
    if (!answers.has(answerKey)) {
      const data: RecordData = { kind: 'srv', priority: 0, weight, port, target }
      answers.set(answerKey, record(qname, TYPE.SRV, { ttl, data }))
    }
    const additionalKey = `${address.text} ${target}`
    if (!additional.has(additionalKey)) {
      additional.set(additionalKey, record(target, address.type, { ttl, data: address.data }))
    }
  }
  return { answers: [...answers.values()], additional: [...additional.values()] }
}

function whyNothing(records: ServiceRecords, asked: ServiceName): AnswerReason {
  const service = records.key
  const { endpoint } = asked
  if (endpoint !== undefined) {
    const code = records.notReady.includes(endpoint) ? 'endpoint-not-ready' : 'no-such-endpoint'
    return { code, service, endpoint }
  }
  if (records.kind === 'Headless') {
    if (records.endpoints.length === 0) {
      return { code: 'headless-no-ready-endpoint', service, notReady: records.notReady.length }
    }
    return { code: 'no-such-port', service, ports: portNames(records.endpoints) }
  }
  if (records.clusterAddresses.length === 0) return { code: 'no-cluster-ip', service }
  return { code: 'no-such-port', service, ports: portNames([{ ports: records.ports }]) }
}

/** `_http._tcp` for each port that can be asked for. */
function portNames(owners: readonly Pick<EndpointRecord, 'ports'>[]): string[] {
  const names = owners.flatMap(({ ports }) => ports.filter((port) => port.number !== -1))
  return [...new Set(names.map((port) => `_${port.name}._${port.protocol}`))]
}
