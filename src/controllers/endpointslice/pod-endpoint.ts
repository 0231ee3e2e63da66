/** One pod as an endpoint of one Service and address family (endpointslice/utils.go podToEndpoint; api-server.md 15.1). */
import type { Endpoint, Node, Pod, Service } from '#api'
import type { Family } from '#lib'
import { addressOf, isReady, isTerminating } from '../shared/pod-facts.ts'
import { withHints } from './assign-hints.ts'

const ZONE = 'topology.kubernetes.io/zone'

export type PodEndpoint = {
  readonly pod: Pod
  readonly service: Service
  readonly family: Family
  readonly node: Node | undefined
}

/** Undefined if the pod has no address of that family. */
export function podEndpoint({ pod, service, family, node }: PodEndpoint): Endpoint | undefined {
  const address = addressOf(pod, family)
  if (address === undefined) return undefined
  const serving = isReady(pod)
  const terminating = isTerminating(pod)
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const { hostname, subdomain, nodeName } = pod.spec
  const { name, namespace, uid } = pod.metadata
  const zone = node?.metadata.labels?.[ZONE]
  const endpoint: Endpoint = {
    addresses: [address],
    conditions: { ready, serving, terminating },
    targetRef: {
      kind: 'Pod',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    },
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined || zone === '' ? {} : { zone }),
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata.name ? { hostname } : {}),
  }
  return withHints(endpoint, service)
}
