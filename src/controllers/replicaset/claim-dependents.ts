/**
 * Which objects belong to an owner: those that name it and match its selector. Orphans that match are adopted, owned ones
 * that no longer match are released (pkg/controller/controller_ref_manager.go).
 */
import type { KubeObject, LabelSelector, ResourceInfo } from '#api'
import { selectorMatches } from '#api'
import { hasCode } from '#lib'
import type { ApiClient } from '#watch'
import type { OwnerIndex } from './owner-index.ts'

export type Claim<T> = {
  readonly client: ApiClient
  /** Kind of the dependents. */
  readonly resource: ResourceInfo
  readonly index: OwnerIndex<T>
  readonly owner: KubeObject
  readonly selector: LabelSelector
  /** Orphans that are not worth adopting. */
  readonly ignore?: (orphan: T) => boolean
}

export async function claimDependents<T extends KubeObject>(claim: Claim<T>): Promise<readonly T[]> {
  const { index, owner, selector } = claim
  const { uid = '', namespace = '', deletionTimestamp } = owner.metadata
  const claimed: T[] = []
  for (const dependent of index.ownedBy(uid)) {
    if (selectorMatches(selector, dependent.metadata.labels)) claimed.push(dependent)
    else if (deletionTimestamp === undefined) await release(claim, dependent)
  }
  if (deletionTimestamp !== undefined) return claimed
  for (const orphan of index.orphansIn(namespace)) {
    if (orphan.metadata.deletionTimestamp !== undefined || claim.ignore?.(orphan) === true) continue
    if (!selectorMatches(selector, orphan.metadata.labels)) continue
    const adopted = await adopt(claim, orphan)
    if (adopted !== undefined) claimed.push(adopted)
  }
  return claimed
}

export function ownerReference(owner: KubeObject): NonNullable<KubeObject['metadata']['ownerReferences']>[number] {
  const { apiVersion, kind, metadata } = owner
  const { name, uid = '' } = metadata
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }
}

function adopt<T extends KubeObject>(claim: Claim<T>, orphan: T): Promise<T | undefined> {
  const ownerReferences = [...(orphan.metadata.ownerReferences ?? []), ownerReference(claim.owner)]
  return patchOwners(claim, orphan, ownerReferences)
}

async function release<T extends KubeObject>(claim: Claim<T>, dependent: T): Promise<void> {
  const { uid } = claim.owner.metadata
  const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter((reference) => reference.uid !== uid)
  await patchOwners(claim, dependent, ownerReferences)
}

/** The revision guards against adopting what somebody else has just adopted. */
async function patchOwners<T extends KubeObject>(
  { client, resource }: Claim<T>,
  { metadata }: T,
  ownerReferences: KubeObject['metadata']['ownerReferences'],
): Promise<T | undefined> {
  const { uid, resourceVersion, namespace = '', name } = metadata
  const body = { metadata: { uid, resourceVersion, ownerReferences } }
  try {
    return await client.patch<T>(resource, { namespace, name }, { type: 'merge', body })
  } catch (error) {
    if (hasCode(error, 'SBX_API_NOT_FOUND')) return undefined
    throw error
  }
}
