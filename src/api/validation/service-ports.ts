/** Ports of a Service: each one, and all of them together (validateServicePort; api-server.md 12.2). */
import { appProtocolErrors, protocolErrors } from './endpoints.ts'
import type { FieldError } from './field-error.ts'
import { duplicate, forbidden, invalid, required } from './field-error.ts'
import { dnsLabel, portName, portNumber } from './name-rules.ts'
import type { ServicePortView, ServiceView } from './read-service.ts'

/** Upstream keeps load balancers off the port of the node agent. */
const KUBELET_PORT = 10_250

export function validateServicePorts(service: ServiceView): readonly FieldError[] {
  const errors: FieldError[] = []
  const { ports } = service
  const names = new Set<string>()
  if (service.type === 'LoadBalancer') {
    ports.forEach(({ port }, i) => {
      if (port !== KUBELET_PORT) return
      const text = `may not expose port ${KUBELET_PORT} externally since it is used by kubelet`
      errors.push(invalid(`spec.ports[${i}]`, port, text))
    })
  }
  ports.forEach((port, i) => {
    const field = `spec.ports[${i}]`
    if (port.name === '') {
      if (ports.length > 1) errors.push(required(`${field}.name`))
    } else {
      errors.push(...dnsLabel(port.name).map((problem) => invalid(`${field}.name`, port.name, problem)))
      if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name))
      names.add(port.name)
    }
    errors.push(...portNumber(port.port).map((problem) => invalid(`${field}.port`, port.port, problem)))
    protocolErrors(errors, field, port.fields)
    const target = port.targetPort
    const problems = typeof target === 'number' ? portNumber(target) : portName(target)
    errors.push(...problems.map((problem) => invalid(`${field}.targetPort`, target, problem)))
    appProtocolErrors(errors, field, port.fields)
  })
  if (service.type === 'ClusterIP') {
    ports.forEach(({ nodePort }, i) => {
      if (nodePort === 0) return
      errors.push(forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"))
    })
  }
  return [...errors, ...repeatedNodePorts(ports), ...repeatedPorts(ports)]
}

function repeatedNodePorts(ports: readonly ServicePortView[]): readonly FieldError[] {
  const seen = new Set<string>()
  return ports.flatMap(({ protocol, nodePort }, i) => {
    const key = `${protocol} ${nodePort}`
    if (nodePort === 0 || !seen.has(key)) {
      seen.add(key)
      return []
    }
    return [duplicate(`spec.ports[${i}].nodePort`, nodePort)]
  })
}

/** The value printed is upstream's Go struct with only the two compared fields set. */
function repeatedPorts(ports: readonly ServicePortView[]): readonly FieldError[] {
  const seen = new Set<string>()
  return ports.flatMap(({ protocol, port }, i) => {
    const key = `${protocol} ${port}`
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    const printed = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }
    return [duplicate(`spec.ports[${i}]`, printed)]
  })
}
