/** What every part of one node's agent is given. */
import type { ConfigMap, Container, Pod, Secret } from '#api'
import type { ApiClient } from '#watch'
import type { Clock, Logger } from '#lib'
import { CONFIGMAPS, SECRETS } from '#api'
import { hasCode } from '#lib'

import type { Environment, ResolvedEnv } from './container-env.ts'
import type { ImageCatalog } from './images.ts'
import type { PodAddresses } from './pod-addresses.ts'
import type { ClusterDns } from './pod-files.ts'
import type { ServiceAccountFiles } from './prepare-pod-root.ts'
import type { EventRecorder } from './record-events.ts'
import { resolveEnv } from './container-env.ts'

export type NodeFacts = {
  readonly name: string
  /** InternalIP addresses, first family first. */
  readonly addresses: readonly string[]
  readonly podCidrs: readonly string[]
  /** Held by the node's end of each pod link: an IPv4 address of the pod CIDR, and fe80::1. */
  readonly podGateways: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
}

export type NodeContext = {
  readonly client: ApiClient
  readonly node: NodeFacts
  readonly runtimeDir: string
  readonly images: ImageCatalog
  readonly dns: ClusterDns
  /** For all containers: KUBERNETES_SERVICE_HOST and the like. */
  readonly environment: Environment
  readonly tokens: ((pod: Pod) => Promise<ServiceAccountFiles | undefined>) | undefined
  readonly visible: readonly string[]
  readonly restartBackoff: { readonly base: number; readonly max: number }
  readonly addresses: PodAddresses
  readonly events: EventRecorder
  readonly clock: Clock
  readonly logger: Logger
}

export function containerEnvironment(
  context: NodeContext,
  pod: Pod,
  podAddresses: readonly string[],
): (container: Container, base: Environment) => Promise<ResolvedEnv> {
  const { client, node } = context
  const { namespace = 'default' } = pod.metadata
  const orUndefined = (error: unknown): undefined => {
    if (hasCode(error, 'SBX_API_NOT_FOUND')) return undefined
    throw error
  }
  return (container, base) =>
    resolveEnv(
      container,
      { ...base, ...context.environment, HOSTNAME: pod.spec.hostname ?? pod.metadata.name },
      {
        pod,
        podAddresses,
        hostAddresses: node.addresses,
        configMap: (name) => client.get<ConfigMap>(CONFIGMAPS, { namespace, name }).catch(orUndefined),
        secret: (name) => client.get<Secret>(SECRETS, { namespace, name }).catch(orUndefined),
      },
    )
}
