/** Which namespaces take new objects, and what keeps a namespace from going (api-server.md 11). */
import type { KubeObject, Namespace, Status } from '#api'
import { NAMESPACES } from '#api'
import type { StoreReader } from '../kinds/kind.ts'
import { forbiddenObject, notFound } from '../status/index.ts'
import type { Target } from './registry.ts'

/** Undefined: objects may be created there. */
export function namespaceRefusal(target: Target, reader: StoreReader): Status | undefined {
  const { kind, namespace, name } = target
  if (!kind.info.namespaced || namespace === undefined) return undefined
  const found = reader.get(NAMESPACES, { name: namespace })
  if (found === undefined) return notFound(NAMESPACES, namespace)
  if (found.metadata.deletionTimestamp === undefined) return undefined
  return forbiddenObject(kind.info, name, {
    text: `unable to create new content in namespace ${namespace} because it is being terminated`,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  })
}

export function isNamespace(object: KubeObject): object is Namespace {
  return object.kind === 'Namespace' && object.apiVersion === 'v1'
}

/** Whether anything still holds an object that is being deleted: finalizers, a namespace's content, a grace period. */
export function isHeld(object: KubeObject): boolean {
  const { finalizers, deletionGracePeriodSeconds } = object.metadata
  if ((finalizers ?? []).length > 0) return true
  if (isNamespace(object) && (object.spec?.finalizers ?? []).length > 0) return true
  return (deletionGracePeriodSeconds ?? 0) > 0
}
