/**
 * Which namespace has a pod at an address. All of a pod's addresses count (CoreDNS knows the first one only), as long as
 * the pod may still answer: not once it has succeeded or failed.
 */
import type { ObjectKey, Pod } from '#api'
import { splitKey } from '#api'
import { canonicalAddress } from '#lib'

export interface PodIndex {
  /** True if an answer may have become another one. */
  set(key: ObjectKey, pod: Pod | undefined): boolean
  has(namespace: string, address: string): boolean
}

export function createPodIndex(): PodIndex {
  const addressesOfPod = new Map<ObjectKey, readonly string[]>()
  /** `namespace address` to how many pods have it: two may, while one ends and its address is given away. */
  const holders = new Map<string, number>()

  const count = (key: ObjectKey, addresses: readonly string[], by: 1 | -1): void => {
    const { namespace } = splitKey(key)
    for (const address of addresses) {
      const owner = `${namespace} ${address}`
      const left = (holders.get(owner) ?? 0) + by
      if (left === 0) holders.delete(owner)
      else holders.set(owner, left)
    }
  }

  return {
    set: (key, pod) => {
      const before = addressesOfPod.get(key) ?? []
      const after = pod === undefined ? [] : addressesOf(pod)
      if (before.join() === after.join()) return false
      count(key, before, -1)
      count(key, after, 1)
      if (after.length === 0) addressesOfPod.delete(key)
      else addressesOfPod.set(key, after)
      return true
    },
    has: (namespace, address) => holders.has(`${namespace} ${address}`),
  }
}

function addressesOf(pod: Pod): readonly string[] {
  const { status } = pod
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return []
  const texts = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)]
  return [...new Set(texts.flatMap((text) => canonicalAddress(text ?? '') ?? []))]
}
