/**
 * The ports a pod serves for a Service: numbers as they are, names looked up in this pod (api/v1/pod FindPort). A name the
 * pod does not have leaves that port out, so pods of one Service may serve different lists.
 */
import type { Container, EndpointPort, Pod, Protocol, Service, ServicePort } from '#api'

export function resolvePorts(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((servicePort) => {
    const port = findPort(servicePort, pod)
    if (port === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = servicePort
    return [{ name, protocol, port, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })
}

/** Two port lists with the same key belong into the same slices; order and spelled-out defaults do not matter. */
export function portsKey(ports: readonly EndpointPort[] | null | undefined): string {
  return (ports ?? [])
    .map(({ name, protocol, port, appProtocol }) =>
      JSON.stringify([name ?? '', protocol ?? 'TCP', port ?? null, appProtocol ?? null]),
    )
    .sort()
    .join()
}

function findPort(servicePort: ServicePort, pod: Pod): number | undefined {
  const { targetPort, protocol = 'TCP' } = servicePort
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return servicePort.port
  if (typeof targetPort === 'number') return targetPort
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  return [...(pod.spec.containers ?? []), ...sidecars]
    .map((container) => namedPort(container, targetPort, protocol))
    .find((port) => port !== undefined)
}

function namedPort(container: Container, name: string, protocol: Protocol): number | undefined {
  return (container.ports ?? []).find((port) => port.name === name && (port.protocol ?? 'TCP') === protocol)
    ?.containerPort
}
