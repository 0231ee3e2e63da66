/** Objects as the service path keeps them: without what nobody reads, since ten thousand of them stay in memory. */
import type { EndpointSlice, KubeObject, Node, ObjectMeta, Service } from '#api'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Metadata without managedFields and kubectl's copy of the whole object. */
export function trimMetadata(metadata: ObjectMeta): ObjectMeta {
  const { managedFields: _fields, annotations, ...rest } = metadata
  if (annotations === undefined || annotations === null) return rest
  const { [LAST_APPLIED]: _copy, ...kept } = annotations
  return Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept }
}

export function trimObject<T extends KubeObject>(object: T): T {
  return { ...object, metadata: trimMetadata(object.metadata) }
}

export function trimService(service: Service): Service {
  const { loadBalancer } = service.status ?? {}
  const { status: _status, ...rest } = service
  return {
    ...rest,
    metadata: trimMetadata(service.metadata),
    ...(loadBalancer?.ingress === undefined ? {} : { status: { loadBalancer } }),
  }
}

/** targetRef and hostname stay: explanations name the pod. */
export function trimSlice(slice: EndpointSlice): EndpointSlice {
  const { ownerReferences: _owners, generateName: _prefix, ...metadata } = trimMetadata(slice.metadata)
  return { ...slice, metadata }
}

/** Heartbeats, images and capacity change all the time and mean nothing to a service. */
export function trimNode(node: Node): Node {
  const { annotations: _annotations, ...metadata } = trimMetadata(node.metadata)
  const { addresses } = node.status ?? {}
  return {
    apiVersion: node.apiVersion,
    kind: node.kind,
    metadata,
    ...(node.spec === undefined ? {} : { spec: node.spec }),
    ...(addresses === undefined ? {} : { status: { addresses } }),
  }
}
