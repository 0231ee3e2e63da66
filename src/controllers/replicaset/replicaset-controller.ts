/**
 * Keeps as many pods as a ReplicaSet asks for (pkg/controller/replicaset): adopts and releases, creates with a slow start,
 * chooses whom to delete, and counts.
 */
import type { Condition, ObjectKey, Pod, ReplicaSet } from '#api'
import { objectKey, PODS, REPLICASETS, selectorMatches } from '#api'
import { messageOf } from '#lib'
import type { Informer } from '#watch'
import { createControllerQueue, isNamespaceGoing, unlessGone } from '../shared/controller-queue.ts'
import { isFinished, isTerminating } from '../shared/pod-facts.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { chooseVictims } from './choose-victims.ts'
import { claimDependents, ownerReference } from './claim-dependents.ts'
import { createInFlight } from './in-flight.ts'
import type { OwnerIndex } from './owner-index.ts'
import { controllerOf } from './owner-index.ts'
import { countReplicas, sameCounts } from './replica-counts.ts'
import { createReporter } from '../shared/report-event.ts'
import { slowStart } from './slow-start.ts'

/** Pods created or deleted in one sync. */
const BURST = 500

export function createReplicaSetController(
  context: ControllerContext,
  parts: { readonly sets: Informer<ReplicaSet>; readonly podsByOwner: OwnerIndex<Pod> },
): void {
  const { client, clock, logger } = context
  const { pods } = context.informers
  const { sets, podsByOwner } = parts
  const inFlight = createInFlight(pods, clock)
  const report = createReporter(context, 'replicaset-controller')

  const sync = async (key: ObjectKey): Promise<void> => {
    await sets.synced
    const set = sets.get(key)
    if (set === undefined) return
    const claimed = await claimDependents<Pod>({
      client,
      resource: PODS,
      index: podsByOwner,
      owner: set,
      selector: set.spec.selector,
      ignore: isFinished,
    })
    const active = claimed.filter((pod) => !isFinished(pod) && !isTerminating(pod) && !inFlight.isGoing(pod))
    const failures = set.metadata.deletionTimestamp === undefined ? await adjust(set, active) : []
    await updateStatus(set, active, failures)
    const serious = failures.find((failure) => !isNamespaceGoing(failure))
    if (serious !== undefined) throw serious
  }

  const adjust = async (set: ReplicaSet, active: readonly Pod[]): Promise<readonly unknown[]> => {
    const owner = set.metadata.uid ?? ''
    const surplus = active.length + inFlight.pending(owner) - (set.spec.replicas ?? 0)
    if (surplus < 0) return slowStart(Math.min(-surplus, BURST), () => createPod(set))
    const victims = surplus === 0 ? [] : chooseVictims(active, Math.min(surplus, BURST))
    const results = await Promise.allSettled(victims.map((pod) => deletePod(set, pod)))
    return results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown)
  }
  const createPod = async (set: ReplicaSet): Promise<void> => {
    const pod = await client.create<Pod>(PODS, podOf(set))
    inFlight.created(set.metadata.uid ?? '', pod)
    logger.debug('pod created', { replicaSet: objectKey(set), pod: pod.metadata.name })
    await report(set, {
      type: 'Normal',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${pod.metadata.name}`,
    })
  }
  const deletePod = async (set: ReplicaSet, pod: Pod): Promise<void> => {
    const { namespace = '', name, uid } = pod.metadata
    const preconditions = uid === undefined ? {} : { preconditions: { uid } }
    await unlessGone(client.delete(PODS, { namespace, name }, preconditions))
    inFlight.deleted(pod)
    logger.debug('pod deleted', { replicaSet: objectKey(set), pod: name })
    await report(set, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` })
  }

  const updateStatus = async (set: ReplicaSet, active: readonly Pod[], failures: readonly unknown[]): Promise<void> => {
    const milliseconds = clock.now()
    const failure = failures.length === 0 ? undefined : failureCondition(set, failures[0], milliseconds)
    const { status, nextAvailable } = countReplicas(set, active, { milliseconds, failure })
    if (nextAvailable !== undefined) queue.addAfter(objectKey(set), nextAvailable)
    if (sameCounts(set.status, status)) return
    const { namespace = '', name } = set.metadata
    const patch = { type: 'merge', body: { status }, subresource: 'status' } as const
    await unlessGone(client.patch(REPLICASETS, { namespace, name }, patch))
  }
  const queue = createControllerQueue(context, { controller: 'replicaset', sync })

  sets.onChange(({ key, before, after }) => {
    if (after !== undefined) queue.add(key)
    else inFlight.forget(before?.metadata.uid ?? '')
  })
  pods.onChange(({ before, after }) => {
    for (const pod of [before, after]) {
      const owner = controllerOf(pod)
      if (pod === undefined) continue
      const { namespace = '' } = pod.metadata
      if (owner?.kind === REPLICASETS.kind) queue.add(`${namespace}/${owner.name}`)
      else if (owner === undefined && pod === after) addMatching(pod)
    }
  })
  /** An orphan may be somebody's. */
  const addMatching = (pod: Pod): void => {
    for (const [key, set] of sets.items) {
      const inNamespace = set.metadata.namespace === pod.metadata.namespace
      if (inNamespace && selectorMatches(set.spec.selector, pod.metadata.labels)) queue.add(key)
    }
  }
}

function podOf(set: ReplicaSet): Pod {
  const { metadata = {}, spec } = set.spec.template
  const { labels, annotations, finalizers } = metadata
  const { namespace = '', name } = set.metadata
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      generateName: `${name}-`,
      namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerReference(set)],
    },
    spec,
  }
}

function failureCondition(set: ReplicaSet, failure: unknown, milliseconds: number): Condition {
  const message = messageOf(failure)
  const before = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure')
  if (before?.message === message) return before
  const lastTransitionTime = new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
  return { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime }
}
