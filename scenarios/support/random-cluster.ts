/** Services of every shape that come, change and go, dual-stack, and their slices: random, but the same for the same seed. */
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '#api'

export type RandomCluster = {
  readonly services: ReadonlyMap<string, Service>
  readonly slices: ReadonlyMap<string, EndpointSlice>
  /** Objects to write and to remove, one change of the cluster. */
  step(): { readonly put: readonly (Service | EndpointSlice)[]; readonly removed: readonly (Service | EndpointSlice)[] }
}

export type Random = {
  /** 0 ≤ x < 1 */
  readonly next: () => number
  readonly below: (limit: number) => number
  readonly chance: (share: number) => boolean
}

/** The 32-bit generator "mulberry32". */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: (limit) => Math.floor(next() * limit), chance: (share) => next() < share }
}

const FAMILIES = ['IPv4', 'IPv6'] as const

export function createRandomCluster(random: Random, size: number): RandomCluster {
  const services = new Map<string, Service>()
  const slices = new Map<string, EndpointSlice>()
  const step: RandomCluster['step'] = () => {
    const which = random.below(size)
    const name = `s${which}`
    const held = services.get(name)
    if (held !== undefined && random.chance(0.15)) {
      services.delete(name)
      // Sometimes the slices stay behind, as with a slow garbage collector.
      const gone = random.chance(0.5)
        ? [...slices.values()].filter((slice) => slice.metadata.name.startsWith(`${name}-`))
        : []
      for (const slice of gone) slices.delete(slice.metadata.name)
      return { put: [], removed: [held, ...gone] }
    }
    if (held === undefined || random.chance(0.2)) {
      const service = randomService(random, which)
      services.set(name, service)
      return { put: [service], removed: [] }
    }
    const family = FAMILIES[random.below(2)] ?? 'IPv4'
    const slice = randomSlice(random, which, family)
    const before = slices.get(slice.metadata.name)
    if (before !== undefined && random.chance(0.1)) {
      slices.delete(slice.metadata.name)
      return { put: [], removed: [before] }
    }
    slices.set(slice.metadata.name, slice)
    return { put: [slice], removed: [] }
  }
  return { services, slices, step }
}

function randomService(random: Random, which: number): Service {
  const clusterIPs = [`10.96.7.${which + 1}`, `fd00:10:96::7:${which + 1}`]
  const shapes: readonly Partial<ServiceSpec>[] = [
    {},
    { internalTrafficPolicy: 'Local' },
    { type: 'NodePort', externalIPs: ['203.0.113.9', 'fd00:203::9'] },
    { type: 'NodePort', externalTrafficPolicy: 'Local' },
    { type: 'LoadBalancer', loadBalancerSourceRanges: ['203.0.113.0/24', 'fd00:203::/32'] },
    { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 + which },
  ]
  const shape = shapes[random.below(shapes.length)] ?? {}
  const external = shape.type === undefined ? {} : { nodePort: 30_000 + which }
  const balanced = shape.type === 'LoadBalancer'
  const affinity = random.chance(0.3)
  const protocols = random.chance(0.3) ? (['TCP', 'UDP'] as const) : (['TCP'] as const)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'churn', name: `s${which}`, uid: `s${which}` },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIPs[0] ?? '',
      clusterIPs,
      ipFamilies: [...FAMILIES],
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: affinity ? 'ClientIP' : 'None',
      ...(affinity ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 * (1 + random.below(3)) } } } : {}),
      ...shape,
      ports: protocols.map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 80, ...external })),
    },
    ...(balanced
      ? { status: { loadBalancer: { ingress: [{ ip: `198.51.100.${which + 1}` }, { ip: `fd00:198::${which + 1}` }] } } }
      : {}),
  }
}

function randomSlice(random: Random, which: number, addressType: 'IPv4' | 'IPv6'): EndpointSlice {
  const name = `s${which}-${addressType.toLowerCase()}-${random.below(2)}`
  const numbers = new Set(Array.from({ length: random.below(9) }, () => 1 + random.below(40)))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'churn', name, uid: name, labels: { 'kubernetes.io/service-name': `s${which}` } },
    addressType,
    ports: (['TCP', 'UDP'] as const).map((protocol) => ({ name: protocol.toLowerCase(), protocol, port: 8080 })),
    endpoints: [...numbers].map((number) => randomEndpoint(random, number, addressType)),
  }
}

function randomEndpoint(random: Random, number: number, family: 'IPv4' | 'IPv6'): Endpoint {
  const onNode = 1 + (number % 2)
  const terminating = random.chance(0.2)
  return {
    addresses: [family === 'IPv4' ? `10.244.${onNode}.${number}` : `fd00:10:244:${onNode}::${number}`],
    nodeName: `node-${onNode}`,
    conditions: { ready: !terminating, serving: random.chance(0.8), terminating },
  }
}
