/**
 * Which container of a pod a request means, and where the daemon of its node listens. Where to ask is taken from the Node
 * object, so only who may write node status can redirect it.
 */
import type { Node, Pod } from '#api'
import { NODES } from '#api'
import { isAddress } from '#lib'
import { badRequest, internalError, Refused } from '../status/index.ts'
import type { ServerContext } from './server-context.ts'

export type Daemon = { readonly host: string; readonly port: number }

export function containerOf(pod: Pod, wanted: string): string {
  const { name } = pod.metadata
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((container) => container.name)
  if (wanted !== '') {
    if (names.includes(wanted)) return wanted
    throw new Refused(badRequest(`container ${wanted} is not valid for pod ${name}`))
  }
  const [first] = pod.spec.containers
  if (first === undefined || pod.spec.containers.length > 1) {
    const choices = pod.spec.containers.map((container) => container.name).join(' ')
    throw new Refused(badRequest(`a container name must be specified for pod ${name}, choose one of: [${choices}]`))
  }
  return first.name
}

export function daemonOf(context: ServerContext, pod: Pod): Daemon {
  const { nodeName = '' } = pod.spec
  if (nodeName === '') throw new Refused(badRequest(`pod ${pod.metadata.name} does not have a host assigned`))
  const node = context.registry.reader.get(NODES, { name: nodeName }) as Node | undefined
  const host = node?.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = node?.status?.daemonEndpoints?.kubeletEndpoint?.Port
  if (host === undefined || port === undefined || !isAddress(host)) {
    throw new Refused(internalError(`node "${nodeName}" does not say where its daemon listens`))
  }
  return { host, port }
}

/** What the daemon wants to see of whoever asks it. */
export function daemonHeaders({ nodeToken }: ServerContext): Record<string, string> {
  return nodeToken === undefined ? {} : { Authorization: `Bearer ${nodeToken}` }
}
