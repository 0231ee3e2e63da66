/**
 * The kubelet of the lab: one process per node, inside the node's network namespace. Registers the node, runs the pods that
 * are bound to it, and reports. Its pods live and die with it.
 */
import type { Pod } from '#api'
import type { ApiClient } from '#watch'
import type { Clock, Logger } from '#lib'
import { PODS } from '#api'
import { createInformer } from '#watch'

import type { AgentServer } from './agent-server.ts'
import type { Environment } from './container-env.ts'
import type { ImageCatalog } from './images.ts'
import type { NodeContext, NodeFacts } from './node-context.ts'
import type { ClusterDns } from './pod-files.ts'
import type { ServiceAccountFiles } from './prepare-pod-root.ts'
import { startAgentServer } from './agent-server.ts'
import { cleanLeftovers } from './clean-leftovers.ts'
import { keepNode } from './keep-node.ts'
import { KUBELET_PORT } from './node-object.ts'
import { createPodAddresses } from './pod-addresses.ts'
import { PodWorker } from './pod-worker.ts'
import { createEventRecorder } from './record-events.ts'
import { streamServer } from './streams/stream-server.ts'

export type NodeAgentOptions = {
  readonly client: ApiClient
  readonly node: NodeFacts
  /** Shared by the nodes of a box: /run/signalbox. Holds records, logs and the pods' own files. */
  readonly runtimeDir: string
  readonly images: ImageCatalog
  readonly dns: ClusterDns
  readonly environment?: Environment
  /** Token and CA for the pod's service account; undefined: the pod gets none. */
  readonly tokens?: (pod: Pod) => Promise<ServiceAccountFiles | undefined>
  /** Directories of the workloads and of Node.js, which stay visible in pods even below /tmp and /run. */
  readonly visible?: readonly string[]
  /** Bearer token of the log endpoint. */
  readonly token: string
  readonly port?: number
  /** Milliseconds; 10 s to 5 min if not given, as kubelet has it. */
  readonly restartBackoff?: { readonly base: number; readonly max: number }
  readonly onReady?: () => void
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

/** A pod that is gone from the API without having been asked to end gets this long, in milliseconds. */
const FORCED_GRACE = 1000
const DEFAULT_GRACE_SECONDS = 30

/** Resolves when aborted and everything it started has ended. */
export async function runNodeAgent(options: NodeAgentOptions): Promise<void> {
  const { client, node, clock, logger, signal } = options
  const cleaned = await cleanLeftovers(options.runtimeDir, node.name)
  if (cleaned > 0) logger.info('leftovers of an earlier run removed', { node: node.name, pods: cleaned })
  const context: NodeContext = {
    ...options,
    environment: options.environment ?? {},
    tokens: options.tokens,
    visible: options.visible ?? [],
    restartBackoff: options.restartBackoff ?? { base: 10_000, max: 300_000 },
    addresses: createPodAddresses(node.podCidrs),
    events: createEventRecorder({ client, node: node.name, clock, logger }),
  }
  const workers = createPodWorkers(context)
  const server = await startAgentServer({
    ...options,
    addresses: node.addresses,
    port: options.port ?? KUBELET_PORT,
    serveStream: streamServer({
      find: (at) => workers.find(at.namespace, at.pod),
      clock,
      logger,
    }),
    findLog: (at, previous) => workers.find(at.namespace, at.pod)?.log(at.container, previous),
  })
  const pods = createInformer<Pod>({
    client,
    resource: PODS,
    fieldSelector: `spec.nodeName=${node.name}`,
    clock,
    logger,
    signal,
  })
  pods.onChange(({ before, after }) => (after === undefined ? workers.forget(before) : workers.see(after)))
  const registered = Promise.withResolvers<void>()
  const kept = keepNode({ client, node, clock, logger, signal, onRegistered: registered.resolve })
  void Promise.all([registered.promise, pods.synced]).then(options.onReady, () => undefined)
  await kept
  await shutDown(workers, server)
}

async function shutDown(workers: PodWorkers, server: AgentServer): Promise<void> {
  await workers.abandon()
  await server.close()
}

type PodWorkers = {
  see(pod: Pod): void
  forget(pod: Pod | undefined): void
  find(namespace: string, name: string): PodWorker | undefined
  abandon(): Promise<void>
}

function createPodWorkers(context: NodeContext): PodWorkers {
  const byUid = new Map<string, { readonly worker: PodWorker; readonly name: string; readonly done: Promise<void> }>()

  const begin = (pod: Pod, uid: string): PodWorker => {
    const worker = new PodWorker(pod, context)
    if (pod.metadata.deletionTimestamp !== undefined) worker.stop(graceOf(pod))
    const done = worker.run().finally(() => byUid.delete(uid))
    byUid.set(uid, { worker, name: `${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`, done })
    return worker
  }

  return {
    see: (pod) => {
      const { uid, deletionTimestamp } = pod.metadata
      if (uid === undefined) return
      const known = byUid.get(uid)
      if (known === undefined) {
        begin(pod, uid)
        return
      }
      known.worker.update(pod)
      if (deletionTimestamp !== undefined) known.worker.stop(graceOf(pod))
    },
    forget: (pod) => byUid.get(pod?.metadata.uid ?? '')?.worker.stop(FORCED_GRACE),
    find: (namespace, name) => [...byUid.values()].findLast((one) => one.name === `${namespace}/${name}`)?.worker,
    abandon: async () => {
      const all = [...byUid.values()]
      await Promise.all(all.map(({ worker }) => worker.abandon()))
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

function graceOf(pod: Pod): number {
  const { metadata, spec } = pod
  return (metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS) * 1000
}
