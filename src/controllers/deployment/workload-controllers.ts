/** Deployments and ReplicaSets over one set of informers of their own. */
import type { Deployment, ReplicaSet } from '#api'
import { DEPLOYMENTS, REPLICASETS } from '#api'
import { createInformer, trimObject } from '#watch'
import { createOwnerIndex } from '../replicaset/owner-index.ts'
import { createReplicaSetController } from '../replicaset/replicaset-controller.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { createDeploymentController } from './deployment-controller.ts'

export function createWorkloadControllers(context: ControllerContext): void {
  const transform = trimObject
  const deployments = createInformer<Deployment>({ ...context, resource: DEPLOYMENTS, transform })
  const sets = createInformer<ReplicaSet>({ ...context, resource: REPLICASETS, transform })
  const podsByOwner = createOwnerIndex(context.informers.pods)
  const setsByOwner = createOwnerIndex(sets)
  createReplicaSetController(context, { sets, podsByOwner })
  createDeploymentController(context, { deployments, sets, setsByOwner, podsByOwner })
}
