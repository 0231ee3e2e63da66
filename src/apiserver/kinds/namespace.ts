/** Namespaces: never deleted at once, but emptied first by the namespace controller (api-server.md 11). */
import type { Namespace } from '#api'
import { forbidden, NAMESPACES } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn } from '../tables/index.ts'
import { defineKind, withMeta } from './define-kind.ts'

const NAME_LABEL = 'kubernetes.io/metadata.name'
const PROTECTED: readonly string[] = ['default', 'kube-system', 'kube-public']

export const namespaceKind = defineKind<Namespace>({
  info: NAMESPACES,
  schema: 'io.k8s.api.core.v1.Namespace',
  message: 'k8s.io.api.core.v1.Namespace',
  nameRule: 'label',
  hasStatus: true,
  deleteReturnsObject: true,
  fields: (namespace) => ({ 'status.phase': namespace.status?.phase ?? '' }),
  defaults: labelled,
  prepareForCreate: (namespace) => ({
    ...labelled(namespace),
    spec: { finalizers: [...new Set([...(namespace.spec?.finalizers ?? []), 'kubernetes'])] },
    status: { phase: 'Active' },
  }),
  // Finalizers change through the finalize subresource only.
  prepareForUpdate: (namespace, old) => ({ ...namespace, spec: old.spec ?? {} }),
  validateUpdate: (namespace) => {
    const deleting = namespace.metadata.deletionTimestamp !== undefined
    const phase = namespace.status?.phase
    if (deleting && phase !== 'Terminating') {
      return [forbidden('status.phase', "may only be 'Terminating' if `deletionTimestamp` is not empty")]
    }
    if (!deleting && phase === 'Terminating') {
      return [forbidden('status.phase', "may only be 'Active' if `deletionTimestamp` is empty")]
    }
    return []
  },
  beforeDelete: (namespace, _options, context) => {
    const { name, deletionTimestamp } = namespace.metadata
    if (PROTECTED.includes(name)) {
      const message = `namespaces "${name}" is forbidden: this namespace may not be deleted`
      return { refusal: { code: 403, reason: 'Forbidden', message } }
    }
    if (deletionTimestamp !== undefined)
      return (namespace.spec?.finalizers ?? []).length > 0 ? { deferred: namespace } : undefined
    const marked = withMeta(namespace, { deletionTimestamp: context.now })
    return { deferred: { ...marked, status: { ...namespace.status, phase: 'Terminating' } } }
  },
  table: {
    columns: [NAME_COLUMN, textColumn('Status', 'Active, or Terminating while its content is removed'), AGE_COLUMN],
    cells: ({ metadata, status }, now) => [
      metadata.name,
      status?.phase ?? '',
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})

function labelled(namespace: Namespace): Namespace {
  const { name, labels } = namespace.metadata
  return name === '' || name === undefined
    ? namespace
    : withMeta(namespace, { labels: { ...labels, [NAME_LABEL]: name } })
}
