/** Small objects for the tests of this folder. */
import type { Endpoints, EndpointSlice, Node, Pod, Service, ServiceSpec } from '#api'

export function sampleService(name: string, spec: Partial<ServiceSpec> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', uid: `service-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      selector: { app: name },
      clusterIP: '10.96.0.7',
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  }
}

export type PodOptions = {
  readonly app?: string
  readonly ips?: readonly string[]
  readonly ready?: boolean
  readonly readySince?: string
  readonly terminating?: boolean
  readonly phase?: NonNullable<Pod['status']>['phase']
  readonly spec?: Partial<Pod['spec']>
}

export function samplePod(name: string, options: PodOptions = {}): Pod {
  const { app = 'web', ips = ['10.0.0.1'], ready = true, phase = 'Running' } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `pod-${name}`,
      labels: { app },
      ...(options.terminating === true ? { deletionTimestamp: '2026-01-01T00:10:00Z' } : {}),
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'main' }], ...options.spec },
    status: {
      phase,
      ...(ips[0] === undefined ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
      conditions: [
        {
          type: 'Ready',
          status: ready ? 'True' : 'False',
          lastTransitionTime: options.readySince ?? '2026-01-01T00:05:00Z',
        },
      ],
    },
  }
}

export function sampleNode(name: string, zone?: string, options: Partial<Node['spec'] & { ready: string }> = {}): Node {
  const { ready = 'True', ...spec } = options
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone } },
    spec,
    status: { conditions: [{ type: 'Ready', status: ready as 'True' | 'False' | 'Unknown' }] },
  }
}

export function sampleEndpoints(name: string, subsets: Endpoints['subsets']): Endpoints {
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name, namespace: 'default', uid: `endpoints-${name}`, labels: { team: 'x' } },
    ...(subsets === undefined ? {} : { subsets }),
  }
}

/** The slices after a controller's changes, with the names a server would generate. */
export function applyChanges(
  existing: readonly EndpointSlice[],
  changes: {
    readonly create: readonly EndpointSlice[]
    readonly update: readonly EndpointSlice[]
    readonly delete: readonly EndpointSlice[]
  },
): EndpointSlice[] {
  const byName = new Map(existing.map((slice) => [slice.metadata.name, slice]))
  for (const slice of changes.delete) byName.delete(slice.metadata.name)
  for (const slice of changes.update) byName.set(slice.metadata.name, slice)
  for (const slice of changes.create) {
    serial += 1
    const name = `${slice.metadata.generateName}${String(serial).padStart(5, '0')}`
    byName.set(name, { ...slice, metadata: { ...slice.metadata, name } })
  }
  return [...byName.values()]
}
let serial = 0
