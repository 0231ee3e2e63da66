/** Which Service port answers for an address, port and protocol on this node. */
import type { Protocol } from '#api'
import type { ServiceModel, ServicePortModel } from '#model'

import type { Frontend } from './explanation.ts'

export type Found = { readonly frontend: Frontend; readonly model: ServiceModel; readonly port: ServicePortModel }

export type Destination = {
  readonly address: string
  readonly port: number
  readonly protocol: Protocol
  /** Whether the address is LOCAL on the node: only then can a node port match (TG-3). */
  readonly local: boolean
}

/** Addresses of services first, node ports only after all of them (TG-3). */
export function findFrontend(models: Iterable<ServiceModel>, destination: Destination): Found | undefined {
  let nodePort: Found | undefined
  for (const model of models) {
    if (model.skipped !== undefined) continue
    for (const port of model.ports) {
      if (port.protocol !== destination.protocol) continue
      if (port.servicePort === destination.port) {
        const kind = addressKind(model, destination.address)
        if (kind !== undefined) return found(model, port, kind)
      }
      if (destination.local && port.nodePort === destination.port) nodePort ??= found(model, port, 'nodePort')
    }
  }
  return nodePort
}

function addressKind(model: ServiceModel, address: string): Frontend['kind'] | undefined {
  if (model.clusterIP === address) return 'clusterIP'
  if (model.externalIPs.includes(address)) return 'externalIP'
  if (model.virtualIPs.includes(address)) return 'loadBalancerIP'
  return undefined
}

function found(model: ServiceModel, port: ServicePortModel, kind: Frontend['kind']): Found {
  const frontend: Frontend = {
    service: model.key,
    portName: port.name,
    printedName: port.printedName,
    protocol: port.protocol,
    kind,
    servicePort: port.servicePort,
    topology: port.topology,
  }
  return { frontend, model, port }
}
