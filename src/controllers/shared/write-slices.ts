/** Sends slice changes, and remembers what was sent until the informer has shown it. */
import type { EndpointSlice, ObjectKey } from '#api'
import { ENDPOINTSLICES, objectKey } from '#api'
import type { Clock } from '#lib'
import type { ApiClient } from '#watch'
import { isOlder } from '#watch'
import { unlessGone } from './controller-queue.ts'
import type { SliceChanges } from './pack-slices.ts'

/** Expectations that no event ever meets (created and deleted by others in one gap) are dropped, in milliseconds. */
const EXPIRY = 30_000

type Expected = { readonly owner: ObjectKey; readonly resourceVersion: string | undefined; readonly at: number }

export interface SliceWriter {
  write(owner: ObjectKey, changes: SliceChanges): Promise<void>
  /**
   * Whether the informer has not yet shown all writes for this owner: reconciling on such a state would do them twice
   * (endpointslice tracker, api-server.md 15.1).
   */
  isStale(owner: ObjectKey, cached: readonly EndpointSlice[]): boolean
  /** Whether this event only shows a write of ours. To be called for each event of the informer. */
  isOwn(event: { readonly key: ObjectKey; readonly after: EndpointSlice | undefined }): boolean
}

export function createSliceWriter(client: ApiClient, clock: Clock): SliceWriter {
  const expected = new Map<ObjectKey, Expected>()
  const byOwner = new Map<ObjectKey, Set<ObjectKey>>()

  const expect = (owner: ObjectKey, slice: EndpointSlice, resourceVersion: string | undefined): void => {
    const key = objectKey(slice)
    expected.set(key, { owner, resourceVersion, at: clock.monotonic() })
    byOwner.set(owner, (byOwner.get(owner) ?? new Set()).add(key))
  }
  const forget = (key: ObjectKey): void => {
    const owner = expected.get(key)?.owner ?? ''
    expected.delete(key)
    const keys = byOwner.get(owner)
    if (keys?.delete(key) === true && keys.size === 0) byOwner.delete(owner)
  }
  const address = (slice: EndpointSlice): { namespace: string; name: string } => ({
    namespace: slice.metadata.namespace ?? '',
    name: slice.metadata.name,
  })

  return {
    write: async (owner, changes) => {
      for (const slice of changes.create) {
        const stored = await client.create(ENDPOINTSLICES, slice)
        expect(owner, stored, stored.metadata.resourceVersion)
      }
      for (const slice of changes.update) {
        const stored = await client.update(ENDPOINTSLICES, slice)
        expect(owner, stored, stored.metadata.resourceVersion)
      }
      for (const slice of changes.delete) {
        const { uid } = slice.metadata
        const preconditions = uid === undefined ? {} : { preconditions: { uid } }
        await unlessGone(client.delete(ENDPOINTSLICES, address(slice), preconditions))
        expect(owner, slice, undefined)
      }
    },
    isStale: (owner, cached) => {
      const known = new Map(cached.map((slice) => [objectKey(slice), slice.metadata.resourceVersion]))
      for (const key of byOwner.get(owner) ?? []) {
        const wanted = expected.get(key)
        if (wanted === undefined || clock.monotonic() - wanted.at > EXPIRY) {
          forget(key)
          continue
        }
        const version = known.get(key)
        const shown =
          wanted.resourceVersion === undefined ? version === undefined : shows(version, wanted.resourceVersion)
        if (!shown) return true
        forget(key)
      }
      return false
    },
    isOwn: ({ key, after }) => {
      const wanted = expected.get(key)
      if (wanted === undefined) return false
      if (after === undefined) {
        forget(key)
        return wanted.resourceVersion === undefined
      }
      const version = after.metadata.resourceVersion
      if (wanted.resourceVersion !== undefined && shows(version, wanted.resourceVersion)) forget(key)
      return wanted.resourceVersion === version
    },
  }
}

function shows(version: string | undefined, wanted: string): boolean {
  return version !== undefined && (version === wanted || isOlder(wanted, version))
}
