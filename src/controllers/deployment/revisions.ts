/** Templates and the ReplicaSets made of them: identity, names, revision numbers (pkg/controller/deployment/util). Pure. */
import type { Deployment, PodTemplate, ReplicaSet } from '#api'
import { base32Hash, compareText } from '#lib'
import { ownerReference } from '../replicaset/claim-dependents.ts'

export const HASH_LABEL = 'pod-template-hash'
const PREFIX = 'deployment.kubernetes.io/'
export const REVISION = `${PREFIX}revision`
export const DESIRED = `${PREFIX}desired-replicas`
export const MAXIMUM = `${PREFIX}max-replicas`
const HISTORY = `${PREFIX}revision-history`
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

type Annotations = Readonly<Record<string, string>>

/** The text is the same for templates that mean the same, whatever order their fields have. */
export function templateText({ metadata = {}, ...template }: PodTemplate): string {
  const { [HASH_LABEL]: _hash, ...labels } = metadata.labels ?? {}
  return stableText({ ...template, metadata: { ...metadata, labels } })
}

/** `collisions`: how often another ReplicaSet had the name already. */
export function templateHash(template: PodTemplate, collisions: number): string {
  const salt = collisions === 0 ? '' : ` ${collisions}`
  return base32Hash(`${templateText(template)}${salt}`, 10).toLowerCase()
}

/** Of several with the current template, the oldest is the one. */
export function findCurrent(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = templateText(deployment.spec.template)
  return oldestFirst(sets).find((set) => templateText(set.spec.template) === wanted)
}

export function oldestFirst(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const age = ({ metadata }: ReplicaSet): string => metadata.creationTimestamp ?? ''
  return sets.toSorted((a, b) => compareText(age(a), age(b)) || compareText(a.metadata.name, b.metadata.name))
}

export function revisionOf(object: ReplicaSet | Deployment): number {
  const revision = Number.parseInt(object.metadata.annotations?.[REVISION] ?? '0', 10)
  return Number.isNaN(revision) ? 0 : revision
}

export function nextRevision(others: readonly ReplicaSet[]): number {
  return Math.max(0, ...others.map(revisionOf)) + 1
}

export function newReplicaSet(
  deployment: Deployment,
  facts: { readonly replicas: number; readonly revision: number; readonly maximum: number },
): ReplicaSet {
  const { selector, template, minReadySeconds, replicas: desired = 0 } = deployment.spec
  const { namespace = '', name } = deployment.metadata
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0)
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...inherited(deployment),
        ...sizeAnnotations(desired, facts.maximum),
        [REVISION]: String(facts.revision),
      },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: facts.replicas,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** Annotations that the current ReplicaSet lacks or has with other values; undefined if there are none. */
export function staleAnnotations(deployment: Deployment, set: ReplicaSet, revision: number): Annotations | undefined {
  const wanted: Record<string, string> = { ...inherited(deployment) }
  const old = revisionOf(set)
  if (old < revision) {
    wanted[REVISION] = String(revision)
    const history = set.metadata.annotations?.[HISTORY] ?? ''
    if (old > 0) wanted[HISTORY] = history === '' ? String(old) : `${history},${old}`
  }
  const stale = Object.entries(wanted).filter(([key, value]) => set.metadata.annotations?.[key] !== value)
  return stale.length === 0 ? undefined : Object.fromEntries(stale)
}

export function sizeAnnotations(desired: number, maximum: number): Annotations {
  return { [DESIRED]: String(desired), [MAXIMUM]: String(maximum) }
}

/** What people say of a Deployment (change-cause and the like) is true of its current ReplicaSet. */
function inherited({ metadata }: Deployment): Annotations {
  const entries = Object.entries(metadata.annotations ?? {})
  return Object.fromEntries(entries.filter(([key]) => key !== LAST_APPLIED && !key.startsWith(PREFIX)))
}

function stableText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined && member !== null && !isEmptyObject(member))
    .sort(([a], [b]) => compareText(a, b))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stableText(member)}`).join(',')}}`
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && !Array.isArray(value) && Object.keys(value as object).length === 0
}
