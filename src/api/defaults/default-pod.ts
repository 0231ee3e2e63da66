/** Defaults of a Pod (core/v1/defaults.go; api-server.md 14.5). Idempotent, and blind to values of a wrong type. */
import type { Container, ContainerPort, HttpGetAction, Pod, PodSpec, Probe } from '../pod.ts'
import { isRecord } from '../validation/read-value.ts'

const GRACE_SECONDS = 30

type SpecDefaults = PodSpec & {
  readonly schedulerName?: string
  readonly securityContext?: object
  readonly enableServiceLinks?: boolean
}
type ContainerDefaults = Container & {
  readonly imagePullPolicy?: string
  readonly terminationMessagePath?: string
  readonly terminationMessagePolicy?: string
  readonly resources?: object
}

export function defaultPod(pod: Pod): Pod {
  if (!isRecord(pod.spec)) return pod
  const spec = pod.spec as SpecDefaults
  const defaults = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: GRACE_SECONDS,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    securityContext: {},
  } as const
  const host = spec.hostNetwork === true
  return {
    ...pod,
    spec: {
      ...defaults,
      ...spec,
      ...(Array.isArray(spec.containers) && { containers: spec.containers.map((one) => defaultContainer(one, host)) }),
      ...(Array.isArray(spec.initContainers) && {
        initContainers: spec.initContainers.map((one: Container) => defaultContainer(one, host)),
      }),
    },
  }
}

function defaultContainer(container: Container, hostNetwork: boolean): Container {
  if (!isRecord(container)) return container
  const image = typeof container.image === 'string' ? container.image : ''
  const filled: ContainerDefaults = {
    imagePullPolicy: pullPolicy(image),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
    ...container,
  }
  return {
    ...filled,
    ...(Array.isArray(container.ports) && {
      ports: (container.ports as readonly ContainerPort[]).map((port) => defaultPort(port, hostNetwork)),
    }),
    ...(container.readinessProbe !== undefined && { readinessProbe: defaultProbe(container.readinessProbe) }),
    ...(container.livenessProbe !== undefined && { livenessProbe: defaultProbe(container.livenessProbe) }),
    ...(container.startupProbe !== undefined && { startupProbe: defaultProbe(container.startupProbe) }),
  }
}

/** Only a fixed tag or digest can be trusted to be the image that is already there. */
function pullPolicy(image: string): string {
  if (image.includes('@')) return 'IfNotPresent'
  const [, tag = 'latest'] = (image.split('/').at(-1) ?? '').split(':')
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultPort(port: ContainerPort, hostNetwork: boolean): ContainerPort {
  if (!isRecord(port)) return port
  return {
    ...port,
    ...(hostNetwork && port.hostPort === undefined && { hostPort: port.containerPort }),
    protocol: port.protocol ?? 'TCP',
  }
}

function defaultProbe(probe: Probe): Probe {
  if (!isRecord(probe)) return probe
  const http: HttpGetAction | undefined = isRecord(probe.httpGet) ? probe.httpGet : undefined
  return {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...probe,
    ...(http !== undefined && { httpGet: { path: '/', scheme: 'HTTP', ...http } }),
  }
}
