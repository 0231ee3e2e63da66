/** Brings objects into an API server whether they exist or not: create, else a merge patch of what the manifest says. */
import type { KubeObject, ResourceInfo } from '#api'
import { findResource, objectKey } from '#api'
import { hasCode, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'

const FIELD_MANAGER = 'signalbox'

export type Applied = { readonly object: KubeObject; readonly outcome: 'created' | 'configured' | 'unchanged' }

export async function applyObjects(client: ApiClient, objects: readonly KubeObject[]): Promise<Applied[]> {
  const applied: Applied[] = []
  for (const object of objects) applied.push(await applyOne(client, object))
  return applied
}

async function applyOne(client: ApiClient, object: KubeObject): Promise<Applied> {
  const resource = findResource(object.apiVersion, object.kind)
  if (resource === undefined) {
    throw new SignalboxError(
      'SBX_MANIFEST_KIND',
      `${object.apiVersion} ${object.kind} ${objectKey(object)} is of no known kind`,
    )
  }
  const placed = inNamespace(resource, object)
  try {
    return { object: await client.create(resource, placed), outcome: 'created' }
  } catch (error) {
    if (!hasCode(error, 'SBX_API_ALREADY_EXISTS')) throw error
  }
  const at = addressOf(placed)
  const before = await client.get(resource, at)
  const after = await client.patch(resource, at, { type: 'merge', body: placed, fieldManager: FIELD_MANAGER })
  const same = before.metadata.resourceVersion === after.metadata.resourceVersion
  return { object: after, outcome: same ? 'unchanged' : 'configured' }
}

function inNamespace(resource: ResourceInfo, object: KubeObject): KubeObject {
  if (!resource.namespaced || object.metadata.namespace !== undefined) return object
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } }
}

function addressOf(object: KubeObject): { name: string; namespace?: string } {
  const { name, namespace } = object.metadata
  return namespace === undefined ? { name } : { name, namespace }
}
