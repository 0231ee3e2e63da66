/** Whether two states of an object differ in nothing but resource version and generation, which only count changes. */
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '#api'

export function sameContent(a: KubeObject, b: KubeObject): boolean {
  const { metadata: metaA, ...restA } = a
  const { metadata: metaB, ...restB } = b
  const { resourceVersion: _a, generation: _c, ...stableA } = metaA
  const { resourceVersion: _b, generation: _d, ...stableB } = metaB
  return isDeepStrictEqual(restA, restB) && isDeepStrictEqual(stableA, stableB)
}
