/** The node agent of one of the box's nodes, inside that node's network namespace. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Pod } from '#api'
import { availableFamilies, builtinImages, nodeFacts, planTopology, runNodeAgent, RUNTIME_DIR } from '#lab'
import type { ServiceAccountFiles, Topology } from '#lab'
import { SignalboxError, systemClock } from '#lib'
import { connectApi, loadKubeconfig } from '#watch'

import { DNS_SERVICE_ACCOUNT } from '../box/credentials.ts'
import { createLogger } from '../create-logger.ts'
import { selfCommand } from '../self-command.ts'
import { stopSignal } from '../stop-signal.ts'

export type LabNodeRoleOptions = {
  readonly kubeconfig: string
  readonly node: string
  readonly nodes: number
  readonly kubeletTokenFile: string
  readonly dnsTokenFile: string
}

export async function runLabNodeRole(options: LabNodeRoleOptions): Promise<void> {
  const logger = createLogger(`agent@${options.node}`)
  const signal = stopSignal()
  const topology = planTopology({ nodes: options.nodes, families: await availableFamilies() })
  const node = topology.nodes.find((one) => one.name === options.node)
  if (node === undefined) throw new SignalboxError('SBX_CLI_USAGE', `the box has no node ${options.node}`)
  const connection = loadKubeconfig({ path: options.kubeconfig })
  const dnsToken = readFileSync(options.dnsTokenFile, 'utf8')
  await runNodeAgent({
    client: connectApi(connection, { clock: systemClock, userAgent: 'signalbox-lab-node', signal }),
    node: nodeFacts(topology, node),
    runtimeDir: RUNTIME_DIR,
    images: { ...builtinImages(), 'signalbox/dns': { entrypoint: [...selfCommand(), 'dns'] } },
    dns: { address: topology.dnsAddress, domain: topology.clusterDomain },
    environment: serviceEnvironment(topology),
    tokens: (pod) => Promise.resolve(accountFiles(pod, { token: dnsToken, caCertificate: connection.ca ?? '' })),
    visible: [dirname(dirname(process.execPath)), fileURLToPath(new URL('../../..', import.meta.url))],
    token: readFileSync(options.kubeletTokenFile, 'utf8').trim(),
    clock: systemClock,
    logger,
    signal,
  })
}

/** What client libraries look for inside a cluster: the first address of the service range. */
function serviceEnvironment(topology: Topology): Record<string, string> {
  const cidr = topology.serviceCidrs.IPv4 ?? topology.serviceCidrs.IPv6 ?? ''
  const host = cidr.includes(':') ? cidr.replace(/::\/\d+$/, '::1') : cidr.replace(/0\/\d+$/, '1')
  return { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '443', KUBERNETES_SERVICE_PORT_HTTPS: '443' }
}

/** The one account of a box that has credentials; other pods run without any. */
function accountFiles(pod: Pod, files: ServiceAccountFiles): ServiceAccountFiles | undefined {
  const isDns =
    pod.metadata.namespace === DNS_SERVICE_ACCOUNT.namespace && pod.spec.serviceAccountName === DNS_SERVICE_ACCOUNT.name
  return isDns ? files : undefined
}
