/**
 * Turns what a user asks (`my-service`, from a pod, on a node) into one packet: addresses, protocol, and the node whose
 * rules it meets. Pure; every doubt is a named error.
 */
import type { ClusterState, Node, Pod, Protocol, Service, ServicePort } from '#api'
import type { Family } from '#lib'
import { canonicalAddress, familyOf, SignalboxError, sortedBy } from '#lib'

import type { ClusterObjects } from './gather-objects.ts'

export type AskedQuestion = {
  /** NAME or NAMESPACE/NAME. */
  readonly service?: string
  /** IP:PORT/PROTOCOL. */
  readonly to?: string
  readonly port?: string
  readonly from?: string
  readonly node?: string
  readonly namespace: string
  readonly family?: string
}

export type SourceKind = 'pod' | 'node' | 'outside' | 'address'

export type ResolvedQuestion = {
  readonly family: Family
  readonly protocol: Protocol
  readonly destination: { readonly address: string; readonly port: number }
  readonly source: { readonly kind: SourceKind; readonly name?: string; readonly address?: string }
  readonly node: string
  /** Keys of the services that may own the destination. */
  readonly services: readonly string[]
}

/** An address outside of every cluster (RFC 5737, RFC 3849), for `--from outside`. */
const OUTSIDE: Readonly<Record<Family, string>> = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' }

export function resolveQuestion(
  asked: AskedQuestion,
  objects: ClusterObjects,
  outside: Partial<Readonly<Record<Family, string>>> = {},
): ResolvedQuestion {
  const target = asked.to === undefined ? targetOfService(asked, objects.state) : targetOfText(asked.to, objects.state)
  const source = resolveSource(asked, objects, { ...target, outside: { ...OUTSIDE, ...outside } })
  return { ...target, source: source.source, node: source.node }
}

type Target = Pick<ResolvedQuestion, 'family' | 'protocol' | 'destination' | 'services'>

function targetOfService(asked: AskedQuestion, state: ClusterState): Target {
  const key = (asked.service ?? '').includes('/') ? (asked.service ?? '') : `${asked.namespace}/${asked.service ?? ''}`
  const service = state.services.get(key)
  if (service === undefined) throw notThere('Service', key)
  const addresses = (service.spec.clusterIPs ?? [service.spec.clusterIP ?? '']).flatMap(
    (text) => canonicalAddress(text) ?? [],
  )
  const address = addresses.find((text) => asked.family === undefined || familyOf(text) === asked.family)
  if (address === undefined) throw noAddress(service, key, asked.family)
  const port = choosePort(service, key, asked.port)
  return {
    family: familyOf(address) ?? 'IPv4',
    protocol: port.protocol ?? 'TCP',
    destination: { address, port: port.port },
    services: [key],
  }
}

function noAddress(service: Service, key: string, family: string | undefined): SignalboxError {
  const why =
    service.spec.type === 'ExternalName'
      ? `is of type ExternalName: its name is an alias of ${service.spec.externalName ?? 'nothing'}, and no rule is made for it`
      : service.spec.clusterIP === 'None'
        ? 'is headless: its name answers with the addresses of its endpoints, and no rule is made for it'
        : `has no cluster IP${family === undefined ? '' : ` of family ${family}`}`
  return new SignalboxError('SBX_EXPLAIN_NO_ADDRESS', `Service ${key} ${why}`)
}

function choosePort(service: Service, key: string, wanted: string | undefined): ServicePort {
  const ports = service.spec.ports ?? []
  const port = ports.find((one) => wanted === undefined || one.name === wanted || String(one.port) === wanted)
  if (port !== undefined) return port
  const names = ports.map((one) => `${one.name ?? ''}${one.name === undefined ? '' : ' '}${one.port}`).join(', ')
  throw new SignalboxError(
    'SBX_EXPLAIN_NO_PORT',
    `Service ${key} has no port ${wanted ?? ''}; it has: ${names || 'none'}`,
  )
}

function targetOfText(text: string, state: ClusterState): Target {
  const match = /^\[?([0-9a-fA-F.:]+?)\]?:(\d{1,5})(?:\/(TCP|UDP|SCTP))?$/i.exec(text)
  const address = canonicalAddress(match?.[1] ?? '')
  const family = address === undefined ? undefined : familyOf(address)
  const port = Number(match?.[2])
  if (address === undefined || family === undefined || !(port >= 1 && port <= 65_535)) {
    throw new SignalboxError(
      'SBX_CLI_USAGE',
      `--to takes IP:PORT/PROTOCOL, as 10.96.0.1:443/TCP or [fd00::1]:53/UDP, not ${text}`,
    )
  }
  const services = [...state.services].filter(([, service]) => mayOwn(service, address, port)).map(([key]) => key)
  return {
    family,
    protocol: (match?.[3]?.toUpperCase() ?? 'TCP') as Protocol,
    destination: { address, port },
    services,
  }
}

function mayOwn(service: Service, address: string, port: number): boolean {
  const { spec, status } = service
  const addresses = [
    ...(spec.clusterIPs ?? [spec.clusterIP ?? '']),
    ...(spec.externalIPs ?? []),
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? ''),
  ]
  return (
    addresses.some((text) => canonicalAddress(text) === address) ||
    (spec.ports ?? []).some((one) => one.nodePort === port)
  )
}

type SourceContext = Target & { readonly outside: Readonly<Record<Family, string>> }

function resolveSource(
  asked: AskedQuestion,
  objects: ClusterObjects,
  context: SourceContext,
): Pick<ResolvedQuestion, 'source' | 'node'> {
  const nodes = sortedBy(objects.nodes, (node) => node.metadata.name)
  if (asked.node !== undefined && !nodes.some((node) => node.metadata.name === asked.node))
    throw notThere('Node', asked.node)
  const owner = nodes.find((node) => addressesOf(node).includes(context.destination.address))
  const node = asked.node ?? owner?.metadata.name ?? nodes[0]?.metadata.name ?? 'this node'
  switch (asked.from) {
    case undefined:
      return defaultSource(asked, objects, { ...context, node })
    case 'node':
      return { source: { kind: 'node', name: node }, node }
    case 'outside':
      return { source: { kind: 'outside', address: context.outside[context.family] }, node }
    default:
      return namedSource(asked.from, asked, { objects, context, node })
  }
}

function namedSource(
  from: string,
  asked: AskedQuestion,
  { objects, context, node }: { objects: ClusterObjects; context: SourceContext; node: string },
): Pick<ResolvedQuestion, 'source' | 'node'> {
  const address = canonicalAddress(from)
  const key = from.includes('/') ? from : `${asked.namespace}/${from}`
  const pod = objects.pods.find((one) =>
    address === undefined ? podKey(one) === key : addressesOfPod(one).includes(address),
  )
  if (pod !== undefined) return podSource(pod, context.family, node)
  if (address === undefined) throw notThere('Pod', key)
  if (familyOf(address) !== context.family) {
    throw new SignalboxError('SBX_CLI_USAGE', `--from ${from} and the destination are of different IP families`)
  }
  const own = objects.nodes.find((one) => addressesOf(one).includes(address))
  return own === undefined
    ? { source: { kind: 'address', address }, node }
    : { source: { kind: 'node', name: own.metadata.name, address }, node: own.metadata.name }
}

/** A pod that is no endpoint of the Service is the most telling client; without one, somebody outside. */
function defaultSource(
  asked: AskedQuestion,
  objects: ClusterObjects,
  context: SourceContext & { readonly node: string },
): Pick<ResolvedQuestion, 'source' | 'node'> {
  const endpoints = new Set(
    context.services.flatMap((key) =>
      objects.state.slicesOf(key).flatMap((slice) => (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses)),
    ),
  )
  const usable = sortedBy(objects.pods, podKey).filter(
    (pod) =>
      pod.status?.phase === 'Running' &&
      pod.spec.hostNetwork !== true &&
      (asked.node === undefined || pod.spec.nodeName === asked.node) &&
      addressesOfPod(pod).some((address) => familyOf(address) === context.family),
  )
  const inNamespace = usable.filter((pod) => pod.metadata.namespace === asked.namespace)
  const outsiders = inNamespace.filter((pod) => !addressesOfPod(pod).some((address) => endpoints.has(address)))
  const pod = outsiders[0] ?? inNamespace[0] ?? usable[0]
  if (pod !== undefined) return podSource(pod, context.family, context.node)
  return { source: { kind: 'outside', address: context.outside[context.family] }, node: context.node }
}

function podSource(pod: Pod, family: Family, node: string): Pick<ResolvedQuestion, 'source' | 'node'> {
  const name = podKey(pod)
  const address = addressesOfPod(pod).find((one) => familyOf(one) === family)
  if (address === undefined) throw new SignalboxError('SBX_EXPLAIN_NO_ADDRESS', `Pod ${name} has no ${family} address`)
  const on = pod.spec.nodeName ?? node
  if (pod.spec.hostNetwork === true) return { source: { kind: 'node', name: on, address }, node: on }
  return { source: { kind: 'pod', name, address }, node: on }
}

function podKey(pod: Pod): string {
  return `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`
}

function addressesOfPod(pod: Pod): string[] {
  const listed = pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP ?? '']
  return listed.flatMap((text) => canonicalAddress(text) ?? [])
}

function addressesOf(node: Node): string[] {
  return (node.status?.addresses ?? []).flatMap(({ address }) => canonicalAddress(address) ?? [])
}

function notThere(kind: string, name: string): SignalboxError {
  return new SignalboxError('SBX_EXPLAIN_NOT_FOUND', `there is no ${kind} ${name}`)
}
