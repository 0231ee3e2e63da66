/** What discovery lists beyond the stored kinds: the subresources and reviews that this folder serves itself. */
import type { ExtraResource } from '../schema/index.ts'
import { REVIEW_RESOURCES } from './serve-review.ts'

const core = { group: '', version: 'v1', namespaced: true }

export const EXTRA_RESOURCES: readonly ExtraResource[] = [
  { ...core, name: 'pods/log', kind: 'Pod', verbs: ['get'] },
  { ...core, name: 'pods/exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { ...core, name: 'pods/attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
  { ...core, name: 'pods/portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  { ...core, name: 'pods/eviction', kind: 'Eviction', kindGroup: 'policy', kindVersion: 'v1', verbs: ['create'] },
  { ...core, name: 'pods/binding', kind: 'Binding', verbs: ['create'] },
  { ...core, name: 'namespaces/finalize', namespaced: false, kind: 'Namespace', verbs: ['update'] },
  ...REVIEW_RESOURCES,
]
