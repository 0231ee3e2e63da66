/**
 * Writes one part of an object and leaves the rest alone. Informers hold objects without their managed fields and kubectl's
 * last-applied annotation; an update made from such a copy would take both away for good.
 */
import type { KubeObject, ResourceInfo } from '#api'
import type { ApiClient } from '#watch'

/** Fails with SBX_API_CONFLICT if the object has changed since `seen`. */
export function patchStatus<T extends KubeObject>(
  client: ApiClient,
  resource: ResourceInfo,
  { seen, status }: { readonly seen: T; readonly status: unknown },
): Promise<T> {
  return patchPart<T>(client, resource, { seen, part: { status }, subresource: 'status' })
}

export function patchSpec<T extends KubeObject>(
  client: ApiClient,
  resource: ResourceInfo,
  { seen, spec }: { readonly seen: T; readonly spec: unknown },
): Promise<T> {
  return patchPart<T>(client, resource, { seen, part: { spec } })
}

type Part<T> = { readonly seen: T; readonly part: object; readonly subresource?: string }

function patchPart<T extends KubeObject>(
  client: ApiClient,
  resource: ResourceInfo,
  { seen, part, subresource }: Part<T>,
): Promise<T> {
  const { name, namespace, resourceVersion } = seen.metadata
  const body = { ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }), ...part }
  return client.patch<T>(resource, namespace === undefined ? { name } : { name, namespace }, {
    type: 'merge',
    body,
    ...(subresource === undefined ? {} : { subresource }),
  })
}
