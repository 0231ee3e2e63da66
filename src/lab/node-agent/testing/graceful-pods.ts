/** The fake API server treats pods as other objects; the real one keeps those of a node until DELETE with grace 0. */
import assert from 'node:assert/strict'

import type { Pod, ResourceInfo } from '#api'
import type { ApiClient, DeleteOptions, ObjectAddress } from '#watch'
import { PODS } from '#api'

/** Pods must have a finalizer, which stands for "stays"; the final deletes are collected in `finalDeletes`. */
export function withGracefulPods(client: ApiClient, finalDeletes: DeleteOptions[]): ApiClient {
  return {
    ...client,
    delete: async (resource: ResourceInfo, at: ObjectAddress, options: DeleteOptions = {}) => {
      if (resource !== PODS || options.gracePeriodSeconds !== 0) return client.delete(resource, at, options)
      finalDeletes.push(options)
      const pod = await client.get<Pod>(PODS, at)
      assert.equal(pod.metadata.uid, options.preconditions?.uid)
      await client.update<Pod>(PODS, { ...pod, metadata: { ...pod.metadata, finalizers: [] } })
    },
  }
}
