/**
 * Moves a Deployment from the ReplicaSet of one template to that of the next (pkg/controller/deployment). Each sync looks
 * at what is there, makes at most one round of changes, writes the status, and is called again by the events of both.
 */
import type { Deployment, ObjectKey, Pod, ReplicaSet } from '#api'
import { DEPLOYMENTS, objectKey, REPLICASETS } from '#api'
import { hasCode } from '#lib'
import type { Informer } from '#watch'
import { claimDependents } from '../replicaset/claim-dependents.ts'
import type { OwnerIndex } from '../replicaset/owner-index.ts'
import { controllerOf } from '../replicaset/owner-index.ts'
import { createReporter } from '../shared/report-event.ts'
import { createControllerQueue, unlessGone } from '../shared/controller-queue.ts'
import { isFinished } from '../shared/pod-facts.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { conditionOf, deploymentStatus, isComplete, sameStatus } from './deployment-status.ts'
import {
  DESIRED,
  findCurrent,
  newReplicaSet,
  nextRevision,
  oldestFirst,
  REVISION,
  revisionOf,
  sizeAnnotations,
  staleAnnotations,
  templateText,
} from './revisions.ts'
import type { Resize } from './rolling-update.ts'
import { currentSize, limitsOf, shareOut, shrinkOthers, sizeOf } from './rolling-update.ts'

type Rollout = {
  readonly deployment: Deployment
  readonly current: ReplicaSet | undefined
  readonly others: readonly ReplicaSet[]
}

export function createDeploymentController(
  context: ControllerContext,
  parts: {
    readonly deployments: Informer<Deployment>
    readonly sets: Informer<ReplicaSet>
    readonly setsByOwner: OwnerIndex<ReplicaSet>
    readonly podsByOwner: OwnerIndex<Pod>
  },
): void {
  const { client, clock, logger } = context
  const { deployments, sets, setsByOwner, podsByOwner } = parts
  const report = createReporter(context, 'deployment-controller')

  const sync = async (key: ObjectKey): Promise<void> => {
    await Promise.all([deployments.synced, sets.synced])
    const deployment = deployments.get(key)
    if (deployment === undefined) return
    const owned = await claimDependents<ReplicaSet>({
      client,
      resource: REPLICASETS,
      index: setsByOwner,
      owner: deployment,
      selector: deployment.spec.selector,
    })
    const current = findCurrent(deployment, owned)
    const rollout = { deployment, current, others: owned.filter((set) => set !== current) }
    if (deployment.metadata.deletionTimestamp === undefined) await advance(rollout)
    else await updateStatus(rollout)
  }

  const advance = async (rollout: Rollout): Promise<void> => {
    const { deployment, current, others } = rollout
    const { paused, strategy } = deployment.spec
    if (current !== undefined && (await noteRevision(deployment, current, others))) return
    if (paused === true || wasResized(rollout)) {
      for (const resize of shareOut(deployment, current, others)) await resizeSet(deployment, resize)
      await updateSizes(rollout)
      await updateStatus(rollout)
    } else if (strategy?.type === 'Recreate') await recreate(rollout)
    else await roll(rollout)
    await cleanUp(rollout)
  }

  const roll = async (rollout: Rollout): Promise<void> => {
    const { deployment, current, others } = rollout
    const replicas = currentSize(deployment, current, others)
    if (current === undefined) {
      await createSet(rollout, replicas)
      return
    }
    if (replicas !== sizeOf(current)) await resizeSet(deployment, { set: current, replicas })
    else for (const resize of shrinkOthers(deployment, current, others)) await resizeSet(deployment, resize)
    await updateStatus(rollout)
  }

  const recreate = async (rollout: Rollout): Promise<void> => {
    const { deployment, current, others } = rollout
    const active = others.filter((set) => sizeOf(set) > 0)
    for (const set of active) await resizeSet(deployment, { set, replicas: 0 })
    const livesOn = others.some((set) => podsByOwner.ownedBy(set.metadata.uid ?? '').some((pod) => !isFinished(pod)))
    if (active.length === 0 && !livesOn) {
      const replicas = deployment.spec.replicas ?? 0
      if (current === undefined) {
        await createSet(rollout, replicas)
        return
      }
      if (sizeOf(current) !== replicas) await resizeSet(deployment, { set: current, replicas })
    }
    await updateStatus(rollout)
  }

  const createSet = async (rollout: Rollout, replicas: number): Promise<void> => {
    const { deployment, others } = rollout
    const { surge } = limitsOf(deployment)
    const maximum = (deployment.spec.replicas ?? 0) + surge
    const revision = nextRevision(others)
    const set = newReplicaSet(deployment, { replicas, revision, maximum })
    try {
      const made = await client.create<ReplicaSet>(REPLICASETS, set)
      logger.info('rollout started', { deployment: objectKey(deployment), replicaSet: made.metadata.name, revision })
      await reportSize(deployment, { name: made.metadata.name, from: 0, to: replicas })
    } catch (error) {
      if (!hasCode(error, 'SBX_API_ALREADY_EXISTS')) throw error
      await settleCollision(rollout, set)
    }
  }
  /** The name is taken: by our own ReplicaSet that no event has shown yet, or by chance. */
  const settleCollision = async (rollout: Rollout, set: ReplicaSet): Promise<void> => {
    const { deployment } = rollout
    const { namespace = '', name } = set.metadata
    const found = await client.get<ReplicaSet>(REPLICASETS, { namespace, name })
    const isOurs = controllerOf(found)?.uid === deployment.metadata.uid
    if (isOurs && templateText(found.spec.template) === templateText(deployment.spec.template)) return
    await updateStatus(rollout, (deployment.status?.collisionCount ?? 0) + 1)
  }

  const resizeSet = async (deployment: Deployment, { set, replicas }: Resize): Promise<void> => {
    const { namespace = '', name, resourceVersion } = set.metadata
    const desired = deployment.spec.replicas ?? 0
    const annotations = sizeAnnotations(desired, desired + limitsOf(deployment).surge)
    const body = { metadata: { resourceVersion, annotations }, spec: { replicas } }
    await client.patch(REPLICASETS, { namespace, name }, { type: 'merge', body })
    logger.debug('replica set resized', { deployment: objectKey(deployment), replicaSet: name, replicas })
    await reportSize(deployment, { name, from: sizeOf(set), to: replicas })
  }
  const reportSize = async (
    deployment: Deployment,
    change: { readonly name: string; readonly from: number; readonly to: number },
  ): Promise<void> => {
    const { name, from, to } = change
    if (from === to) return
    const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${name} from ${from} to ${to}`
    await report(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message })
  }

  /** True: something was written, and its event will bring us back. */
  const noteRevision = async (
    deployment: Deployment,
    current: ReplicaSet,
    others: readonly ReplicaSet[],
  ): Promise<boolean> => {
    const revision = Math.max(nextRevision(others), revisionOf(current))
    const { namespace = '', name } = current.metadata
    const annotations = staleAnnotations(deployment, current, revision)
    const { minReadySeconds = 0 } = deployment.spec
    const spec = (current.spec.minReadySeconds ?? 0) === minReadySeconds ? {} : { spec: { minReadySeconds } }
    if (annotations !== undefined || 'spec' in spec) {
      const body = { metadata: { annotations: annotations ?? {} }, ...spec }
      await unlessGone(client.patch(REPLICASETS, { namespace, name }, { type: 'merge', body }))
      return true
    }
    if (deployment.metadata.annotations?.[REVISION] === String(revision)) return false
    const body = { metadata: { annotations: { [REVISION]: String(revision) } } }
    const at = { namespace, name: deployment.metadata.name }
    await unlessGone(client.patch(DEPLOYMENTS, at, { type: 'merge', body }))
    return true
  }

  /** After a resize every ReplicaSet with pods knows the new size, also those that kept theirs. */
  const updateSizes = async ({ deployment, current, others }: Rollout): Promise<void> => {
    const desired = deployment.spec.replicas ?? 0
    for (const set of [...others, ...(current === undefined ? [] : [current])]) {
      if (sizeOf(set) === 0 || set.metadata.annotations?.[DESIRED] === String(desired)) continue
      const { namespace = '', name } = set.metadata
      const annotations = sizeAnnotations(desired, desired + limitsOf(deployment).surge)
      await unlessGone(
        client.patch(REPLICASETS, { namespace, name }, { type: 'merge', body: { metadata: { annotations } } }),
      )
    }
  }

  const updateStatus = async (rollout: Rollout, collisions?: number): Promise<void> => {
    const { deployment } = rollout
    const now = clock.now()
    const extra = collisions === undefined ? {} : { collisions }
    const status = deploymentStatus(deployment, { ...rollout, now, ...extra })
    watchDeadline({ ...deployment, status })
    if (sameStatus(deployment.status, status)) return
    const { namespace = '', name } = deployment.metadata
    const patch = { type: 'merge', body: { status }, subresource: 'status' } as const
    await unlessGone(client.patch(DEPLOYMENTS, { namespace, name }, patch))
  }
  /** A rollout that stands still has no event of its own. */
  const watchDeadline = (deployment: Deployment): void => {
    const progressing = conditionOf(deployment, 'Progressing')
    const { progressDeadlineSeconds } = deployment.spec
    if (progressDeadlineSeconds === undefined || progressing?.reason !== 'ReplicaSetUpdated') return
    const deadline = Date.parse(progressing.lastUpdateTime ?? '') + progressDeadlineSeconds * 1000
    queue.addAfter(objectKey(deployment), Math.max(0, deadline - clock.now()) + 1000)
  }

  const cleanUp = async ({ deployment, others }: Rollout): Promise<void> => {
    if (deployment.status === undefined || !isComplete(deployment, deployment.status)) return
    const empty = others.filter(
      (set) =>
        sizeOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        set.metadata.deletionTimestamp === undefined &&
        (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0),
    )
    const limit = deployment.spec.revisionHistoryLimit ?? Number.POSITIVE_INFINITY
    const byRevision = [...oldestFirst(empty)].sort((a, b) => revisionOf(a) - revisionOf(b))
    for (const { metadata } of byRevision.slice(0, Math.max(0, empty.length - limit))) {
      const { namespace = '', name } = metadata
      await unlessGone(client.delete(REPLICASETS, { namespace, name }, { propagationPolicy: 'Background' }))
    }
  }
  const queue = createControllerQueue(context, { controller: 'deployment', sync })

  deployments.onChange(({ key }) => queue.add(key))
  sets.onChange(({ before, after }) => {
    for (const set of [before, after]) addOwner(set)
    if (after !== undefined && controllerOf(after) === undefined) addAllIn(after.metadata.namespace ?? '')
  })
  // Only Recreate waits for pods themselves; everything else shows in the ReplicaSet's status.
  context.informers.pods.onChange(({ before, after }) => {
    const owner = after === undefined ? controllerOf(before) : undefined
    if (owner?.kind === REPLICASETS.kind) addOwner(sets.get(`${before?.metadata.namespace ?? ''}/${owner.name}`))
  })
  const addOwner = (set: ReplicaSet | undefined): void => {
    const owner = controllerOf(set)
    if (set !== undefined && owner?.kind === DEPLOYMENTS.kind)
      queue.add(`${set.metadata.namespace ?? ''}/${owner.name}`)
  }
  const addAllIn = (namespace: string): void => {
    for (const [key, { metadata }] of deployments.items) if (metadata.namespace === namespace) queue.add(key)
  }
}

/** Whether the Deployment's size was changed since its ReplicaSets were given theirs. */
function wasResized({ deployment, current, others }: Rollout): boolean {
  const desired = String(deployment.spec.replicas ?? 0)
  const active = [...others, ...(current === undefined ? [] : [current])].filter((set) => sizeOf(set) > 0)
  return active.some(({ metadata }) => {
    const known = metadata.annotations?.[DESIRED]
    return known !== undefined && known !== desired
  })
}
