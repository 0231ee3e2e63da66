/**
 * A Service and its slices, seen from one node in one family. Pure; knows nothing of other services, so that a change
 * costs one call. Never throws on a user's object: what is malformed is left out and reported.
 */
import type { EndpointSlice, Service } from '#api'
import { LABEL_HEADLESS } from '#api'
import type { Family } from '#lib'
import { collectEndpoints, slicePortProblems } from './collect-endpoints.ts'
import type { NodeFacts } from './node-facts.ts'
import type { ReadPort, ReadService } from './read-service.ts'
import { readService } from './read-service.ts'
import { selectEndpoints } from './select-endpoints.ts'
import type { IgnoredSlice, Problem, ServiceModel, ServicePortModel } from './types.ts'

export type ModelInput = {
  readonly service: Service
  /** All slices labelled for the service, in a stable order. */
  readonly slices: readonly EndpointSlice[]
  readonly node: NodeFacts
  readonly family: Family
}

export function buildServiceModel(input: ModelInput): ServiceModel {
  const { service, family } = input
  const namespace = service.metadata.namespace ?? 'default'
  const { name } = service.metadata
  const read = readService(service, family)
  const { used, ignored } = sortOutSlices(read.skipped === undefined ? input.slices : [], family)
  const problems: Problem[] = [...read.problems, ...used.flatMap(slicePortProblems)]
  const ports: ServicePortModel[] = []
  for (const port of read.ports) {
    const built = buildPort({ port, read, used, node: input.node, serviceName: `${namespace}/${name}` })
    ports.push(built.model)
    problems.push(...built.problems)
  }
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    family,
    type: service.spec.type ?? 'ClusterIP',
    ...(read.skipped === undefined ? {} : { skipped: read.skipped }),
    ...(read.clusterIP === undefined ? {} : { clusterIP: read.clusterIP }),
    externalIPs: read.externalIPs,
    virtualIPs: read.virtualIPs,
    sourceRanges: read.sourceRanges,
    ...(read.affinitySeconds === undefined ? {} : { affinitySeconds: read.affinitySeconds }),
    ...(read.healthCheckNodePort === undefined ? {} : { healthCheckNodePort: read.healthCheckNodePort }),
    localReadyAddresses: countLocalReady(ports),
    ports,
    ignoredSlices: ignored,
    problems: withoutRepeats(problems),
  }
}

function sortOutSlices(
  slices: readonly EndpointSlice[],
  family: Family,
): { used: readonly EndpointSlice[]; ignored: readonly IgnoredSlice[] } {
  const used: EndpointSlice[] = []
  const ignored: IgnoredSlice[] = []
  for (const slice of slices) {
    const reason = ignoreReason(slice, family)
    if (reason === undefined) used.push(slice)
    else {
      const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses?.slice(0, 1) ?? [])
      ignored.push({ slice: slice.metadata.name, addresses, reason })
    }
  }
  return { used, ignored }
}

/** IN-2, IN-22. */
function ignoreReason(slice: EndpointSlice, family: Family): IgnoredSlice['reason'] | undefined {
  if (slice.metadata.labels?.[LABEL_HEADLESS] !== undefined) return { code: 'headless-label' }
  if (slice.addressType !== family) return { code: 'wrong-family', addressType: slice.addressType }
  return undefined
}

function buildPort(from: {
  port: ReadPort
  read: ReadService
  used: readonly EndpointSlice[]
  node: NodeFacts
  serviceName: string
}): { model: ServicePortModel; problems: readonly Problem[] } {
  const { port, read, node } = from
  const collected = collectEndpoints({ slices: from.used, portName: port.name, protocol: port.protocol, node })
  const accessible = port.nodePort !== undefined || read.virtualIPs.length > 0 || read.externalIPs.length > 0
  const { internalPolicy } = read
  const externalPolicy = accessible ? read.externalPolicy : 'Cluster'
  const selection = selectEndpoints({ pool: collected.pool, node, internalPolicy, externalPolicy, accessible })
  const model: ServicePortModel = {
    ...port,
    printedName: port.name === '' ? from.serviceName : `${from.serviceName}:${port.name}`,
    accessible,
    internalPolicy,
    externalPolicy,
    ...selection,
    discarded: collected.discarded,
  }
  return { model, problems: collected.problems }
}

/** HC-5: a pod behind two ports counts once; terminating ones never do. */
function countLocalReady(ports: readonly ServicePortModel[]): number {
  const addresses = new Set<string>()
  for (const port of ports) {
    for (const { endpoint } of port.decisions) if (endpoint.local && endpoint.ready) addresses.add(endpoint.address)
  }
  return addresses.size
}

/** The same bad address is met once a service port. */
function withoutRepeats(problems: readonly Problem[]): Problem[] {
  return [
    ...new Map(problems.map((problem) => [`${problem.object} ${problem.field} ${problem.code}`, problem])).values(),
  ]
}
