/**
 * The cluster zone: what the API server says, indexed for questions, and the answer to each.
 *
 * Changes only mark the service they touch; its records are made at the next lookup, so a burst of events about one
 * service costs one computation, and an answer never rests on less than what has been reported. `lookup` has no other
 * effect and never waits.
 */
import type { ClusterResource } from './reasons.ts'
import type { EndpointSlice, ObjectKey, Pod, Service } from '#api'
import { parseCidr, SignalboxError } from '#lib'
import type { Name, Question, ResourceRecord } from '../wire/index.ts'
import { CLASS, labelsOf, lowerName, nameFromText, ROOT, zoneOffset } from '../wire/index.ts'
import { answerPod } from './answer-pod.ts'
import { answerReverse } from './answer-reverse.ts'
import type { ServiceName } from './answer-service.ts'
import { answerService } from './answer-service.ts'
import { answerApex, answerNameServer, answerVersion } from './answer-special.ts'
import type { Denial } from './build-answer.ts'
import { deny, noData, noName } from './build-answer.ts'
import { followExternalName } from './follow-external-name.ts'
import { parseClusterName } from './parse-cluster-name.ts'
import { createPodIndex } from './pod-index.ts'
import { createReverseIndex } from './reverse-index.ts'
import { reverseZonesOf } from './reverse-name.ts'
import { createServiceIndex } from './service-index.ts'
import { addressOf } from './service-records.ts'
import { transferOf } from './transfer-of.ts'
import type { RecordOptions, ZoneAnswer, ZoneResult } from './zone-types.ts'

export type ZoneOptions = RecordOptions & {
  /** `cluster.local` */
  readonly zone: string
  /** Address ranges of the cluster, as CIDRs: their reverse names are answered here and never passed on. */
  readonly reverseCidrs: readonly string[]
  /** Also answer for what is found in all of in-addr.arpa and ip6.arpa, and pass on the rest. */
  readonly reverseEverywhere: boolean
  /** Addresses clients reach this server by, for its NS records. */
  readonly ownAddresses: readonly string[]
  /** Unix seconds, for the serial. */
  readonly now: () => number
}

export interface Zone {
  /** Lower case. */
  readonly name: Name
  lookup(question: Question): ZoneResult
  /** Every record between two SOAs (RFC 5936 2.2). */
  transfer(): readonly ResourceRecord[]
  setService(key: ObjectKey, service: Service | undefined): void
  setSlice(key: ObjectKey, slice: EndpointSlice | undefined): void
  setNamespace(name: string, exists: boolean): void
  /** Only matters with `pods: 'verified'`. */
  setPod(key: ObjectKey, pod: Pod | undefined): void
  /** The first complete list of a resource has been reported. */
  markSynced(resource: ClusterResource): void
  readonly unsynced: ReadonlySet<ClusterResource>
  /** Another one whenever an answer may have become another one. */
  readonly version: number
}

type ReverseZone = { readonly name: Name; readonly fallthrough: boolean }

const OUTSIDE: ZoneResult = { kind: 'pass', reason: { code: 'outside-zone' } }
const NOT_FOUND: ZoneResult = { kind: 'pass', reason: { code: 'reverse-not-found' } }
const MAX_HINTS = 5

export function createZone(options: ZoneOptions): Zone {
  const { ttl } = options
  const zone = zoneName(options.zone)
  const reverseZones = reverseZonesFor(options)
  const ownAddresses = options.ownAddresses.map(addressOf).filter((address) => address !== undefined)
  const exposed = options.namespaces === undefined ? undefined : new Set(options.namespaces)
  const reverse = createReverseIndex()
  const services = createServiceIndex(reverse, options)
  const namespaces = new Set<string>()
  const pods = createPodIndex()
  const unsynced = new Set<ClusterResource>(['services', 'endpointslices', 'namespaces'])
  if (options.pods === 'verified') unsynced.add('pods')
  let version = 0
  let lastChange = 0
  let context = { ttl, serial: 0, unsynced }

  const changed = (): void => {
    version++
    lastChange = options.now()
    if (unsynced.size === 0) context = { ttl, serial: lastChange, unsynced }
  }

  /** A denial where names of this namespace are not answered. */
  const closed = (namespace: string): Denial | undefined => {
    if (exposed?.has(namespace) === false) return noName({ code: 'namespace-not-exposed', namespace })
    return namespaces.has(namespace) ? undefined : noName({ code: 'no-such-namespace', namespace }, ['namespaces'])
  }

  const lookupService = (question: Question, asked: ServiceName, passed: readonly string[]): ZoneAnswer | Denial => {
    const denied = closed(asked.namespace)
    if (denied !== undefined) return denied
    const records = services.find(asked.namespace, asked.service)
    if (records === undefined) {
      const service = `${asked.namespace}/${asked.service}`
      const elsewhere = [...services.namespacesWith(asked.service)].slice(0, MAX_HINTS)
      return noName({ code: 'no-such-service', service, elsewhere }, ['services'])
    }
    const { name: qname, type } = question
    if (records.kind !== 'ExternalName') {
      return answerService(records, { qname, type, asked, zone, ttl, ignoreEmptyService: options.ignoreEmptyService })
    }
    return followExternalName(records, { qname, type, asked, zone, ttl, passed }, (target, nowPassed) => {
      const name = lowerName(target)
      return lookupCluster(
        { ...question, name: target },
        { lower: name, at: zoneOffset(name, zone), passed: nowPassed },
      )
    })
  }

  const lookupName = (question: Question, lower: Name, at: { zone: number; passed: readonly string[] }) => {
    const { name: qname, type } = question
    const labels = labelsOf(`${lower.slice(0, at.zone)}${ROOT}` as Name)
    if (labels.length === 0) return answerApex({ qname, type, zone, ownAddresses, context }, reverse)
    const asked = parseClusterName(labels)
    switch (asked.kind) {
      case 'service':
        return lookupService(question, asked, at.passed)
      case 'pod':
        return closed(asked.namespace) ?? answerPod({ qname, type, asked, ttl, pods: options.pods, index: pods })
      case 'namespace':
        return closed(asked.namespace) ?? noData({ code: 'no-data-here' })
      case 'container':
        return noData({ code: 'no-data-here' })
      case 'version':
        return answerVersion(qname, type)
      case 'name-server':
        return answerNameServer({ qname, type, zone, ownAddresses }, ttl)
      case 'invalid':
        return noName(asked.why === 'too-many-labels' ? { code: asked.why } : { code: asked.why, label: asked.label })
    }
  }

  const lookupCluster = (
    question: Question,
    at: { readonly lower: Name; readonly at: number; readonly passed: readonly string[] },
  ): ZoneAnswer => {
    const found = lookupName(question, at.lower, { zone: at.at, passed: at.passed })
    return 'kind' in found ? found : deny(found, question.name.slice(at.at) as Name, context)
  }

  const lookupReverse = (question: Question, lower: Name): ZoneResult => {
    const { name: qname, type } = question
    const inside = reverseZones.find((candidate) => zoneOffset(lower, candidate.name) >= 0)
    if (inside === undefined) return OUTSIDE
    const complete = !unsynced.has('services') && !unsynced.has('endpointslices')
    const found =
      lower === inside.name
        ? answerApex({ qname, type, zone, ownAddresses, context }, reverse)
        : answerReverse(reverse, { qname, lower, type, zone, ttl, fallthrough: inside.fallthrough }, complete)
    if (found === undefined) return NOT_FOUND
    return 'kind' in found ? found : deny(found, qname.slice(zoneOffset(lower, inside.name)) as Name, context)
  }

  const lookup = (question: Question): ZoneResult => {
    services.refresh()
    const lower = lowerName(question.name)
    const at = zoneOffset(lower, zone)
    if (at >= 0) return lookupCluster(question, { lower, at, passed: [] })
    return lower.endsWith('\x04arpa\0') ? lookupReverse(question, lower) : OUTSIDE
  }

  return {
    name: zone,
    unsynced,
    get version() {
      return version
    },
    lookup,
    transfer: () => {
      services.refresh()
      const exposedOnes = services.all().filter(({ namespace }) => closed(namespace) === undefined)
      return transferOf({
        zone,
        services: exposedOnes,
        lookup: (name, type) => lookup({ name, type, class: CLASS.IN }),
      })
    },
    setService: (key, service) => {
      services.setService(key, service)
      changed()
    },
    setSlice: (key, slice) => {
      services.setSlice(key, slice)
      changed()
    },
    setNamespace: (name, exists) => {
      if (exists) namespaces.add(name)
      else namespaces.delete(name)
      changed()
    },
    setPod: (key, pod) => {
      if (pods.set(key, pod)) changed()
    },
    markSynced: (resource) => {
      version++
      unsynced.delete(resource)
      services.refresh()
      if (unsynced.size === 0) context = { ttl, serial: lastChange === 0 ? options.now() : lastChange, unsynced }
    },
  }
}

/** Lower case; a zone that is no name is a mistake of the configuration. */
function zoneName(text: string): Name {
  const name = nameFromText(text)
  if (name === undefined || name === ROOT) {
    throw new SignalboxError('SBX_DNS_CONFIG', `the cluster zone is not a domain name: ${text}`, {
      facts: { zone: text },
    })
  }
  return lowerName(name)
}

/** Longest first: the most specific zone answers. */
function reverseZonesFor(options: ZoneOptions): ReverseZone[] {
  const zones = new Map<Name, ReverseZone>()
  if (options.reverseEverywhere) {
    for (const text of ['in-addr.arpa', 'ip6.arpa'])
      zones.set(zoneName(text), { name: zoneName(text), fallthrough: true })
  }
  for (const text of options.reverseCidrs) {
    const cidr = parseCidr(text)
    if (cidr === undefined) {
      throw new SignalboxError('SBX_DNS_CONFIG', `a reverse range is not a CIDR: ${text}`, { facts: { cidr: text } })
    }
    for (const name of reverseZonesOf(cidr)) zones.set(name, { name, fallthrough: false })
  }
  return [...zones.values()].sort((a, b) => b.name.length - a.name.length)
}
