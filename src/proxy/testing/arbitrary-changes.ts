/** Random lives of four services that get in each other's way: for tests that a mode's differences add up. */
import fc from 'fast-check'
import type { EndpointSlice, Service } from '#api'
import { clusterStateOf } from '#api'
import { here, service, slice, there } from './objects.ts'

type Shape = ((which: number) => Service) | undefined

export type Step = { readonly which: number; readonly service: Shape; readonly endpoints: readonly number[] }

const clusterIPs = (which: number): string[] => [`10.96.1.${which + 1}`, `fd00:10:96::1:${which + 1}`]

const shapes: fc.Arbitrary<Shape> = fc.constantFrom<Shape[]>(
  undefined,
  (which) => service({ name: `s${which}`, clusterIPs: clusterIPs(which) }),
  (which) => service({ name: `s${which}`, clusterIPs: clusterIPs(which), sessionAffinity: 'ClientIP' }),
  (which) =>
    service({
      name: `s${which}`,
      clusterIPs: clusterIPs(which),
      type: 'NodePort',
      internalTrafficPolicy: 'Local',
      ports: [{ port: 80, nodePort: 30100 + which }],
      externalIPs: ['203.0.113.9', 'fd00:203::9'],
    }),
  (which) =>
    service({
      name: `s${which}`,
      clusterIPs: clusterIPs(which),
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 32100 + which,
      ports: [{ port: 80, nodePort: 30100 + which }],
      vips: ['198.51.100.7', 'fd00:198::7'],
      loadBalancerSourceRanges: ['203.0.113.0/24', 'fd00:203::/32'],
    }),
)

/** Odd ones are on this node; 5 and 6 are on their way out. */
const endpoints = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 4 })

const step: fc.Arbitrary<Step> = fc.record({ which: fc.integer({ min: 0, max: 3 }), service: shapes, endpoints })

/** Steps of one batch become known together. */
export const batchesOfChanges: fc.Arbitrary<Step[][]> = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), {
  minLength: 2,
  maxLength: 8,
})

export type ChangingCluster = {
  /** Returns the keys of the services it touches. */
  apply(batch: readonly Step[]): Set<string>
  state(): ReturnType<typeof clusterStateOf>
}

export function changingCluster(): ChangingCluster {
  const services = new Map<string, Service>()
  const slices = new Map<string, EndpointSlice[]>()
  return {
    apply: (batch) => {
      for (const { which, service: shape, endpoints: pods } of batch) {
        const key = `ns/s${which}`
        if (shape === undefined) services.delete(key)
        else services.set(key, shape(which))
        slices.set(key, slicesOf(which, pods))
      }
      return new Set(batch.map(({ which }) => `ns/s${which}`))
    },
    state: () => clusterStateOf({ services: [...services.values()], slices: [...slices.values()].flat() }),
  }
}

export function slicesOf(which: number, pods: readonly number[]): EndpointSlice[] {
  return (['IPv4', 'IPv6'] as const).map((addressType) => {
    const at = (pod: number): string =>
      addressType === 'IPv4' ? `10.244.${(pod % 2) + 1}.${pod}` : `fd00:10:244:${(pod % 2) + 1}::${pod}`
    const made = pods.map((pod) => (pod % 2 === 1 ? here : there)(at(pod), pod > 4 ? 'terminating' : 'ready'))
    return slice({ name: `s${which}-${addressType}`, service: `s${which}`, addressType, endpoints: made })
  })
}
