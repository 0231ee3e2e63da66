/**
 * What the loop has to know of a service besides its rules: its health-check port, its UDP flows, and whether a Local
 * policy leaves it unserved here. Made where the rules are made, from the same model.
 */
import type { ServicePlan } from '#dataplane'
import { joinHostPort } from '#lib'
import type { ServiceModel } from '#model'

export type HealthCheck = { readonly nodePort: number; readonly localEndpoints: number }

/** One UDP port of a service, as flows see it (CT-3, CT-4). */
export type UdpPort = {
  /** `ip:port` of ClusterIP, load-balancer and external addresses. */
  readonly frontends: readonly string[]
  readonly nodePort?: number
  /** `ip:port` of every serving endpoint, whatever the policies say. */
  readonly serving: readonly string[]
}

export type ServiceFacts = {
  readonly healthCheck?: HealthCheck
  /** Absent: the service has no UDP port. */
  readonly udp?: readonly UdpPort[]
  /** Endpoints exist, and a Local policy makes this node drop the packets. */
  readonly unserved: { readonly internal: boolean; readonly external: boolean }
}

/** One service going from some facts to others; absent is "is not served". */
export type FactsChange = { readonly key: string; readonly before?: ServiceFacts; readonly after?: ServiceFacts }

export function factsOf(model: ServiceModel, plan: ServicePlan): ServiceFacts {
  const { clusterIP } = model
  const udp = model.ports
    .filter(({ protocol }) => protocol === 'UDP')
    .map((port): UdpPort => {
      const addresses = [...(clusterIP === undefined ? [] : [clusterIP]), ...model.virtualIPs, ...model.externalIPs]
      return {
        frontends: addresses.map((address) => joinHostPort(address, port.servicePort)),
        ...(port.nodePort === undefined ? {} : { nodePort: port.nodePort }),
        serving: port.decisions.filter(({ endpoint }) => endpoint.serving).map(({ endpoint }) => endpoint.key),
      }
    })
  return {
    ...(plan.healthCheck === undefined ? {} : { healthCheck: plan.healthCheck }),
    ...(udp.length === 0 ? {} : { udp }),
    unserved: {
      internal: plan.ports.some(({ internal }) => internal.kind === 'drop'),
      external: plan.ports.some(({ external }) => external?.kind === 'drop'),
    },
  }
}
