/** Defaults of Deployment and ReplicaSet (apps/v1/defaults.go). */
import type { Deployment, PodTemplate, ReplicaSet } from '../apps.ts'
import type { Pod } from '../pod.ts'
import { isRecord } from '../validation/read-value.ts'
import { defaultPod } from './default-pod.ts'

type TemplateSpec = PodTemplate['spec'] & { readonly enableServiceLinks?: boolean }

const SHARE = '25%'

export function defaultDeployment(deployment: Deployment): Deployment {
  const { spec } = deployment
  if (!isRecord(spec)) return deployment
  const strategy = isRecord(spec.strategy) ? spec.strategy : {}
  const type = strategy.type === undefined || strategy.type === '' ? 'RollingUpdate' : strategy.type
  const rollingUpdate = { maxUnavailable: SHARE, maxSurge: SHARE, ...strategy.rollingUpdate }
  return {
    ...deployment,
    spec: {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
      strategy: { ...strategy, type, ...(type === 'RollingUpdate' && { rollingUpdate }) },
      template: defaultTemplate(spec.template),
    },
  }
}

export function defaultReplicaSet(set: ReplicaSet): ReplicaSet {
  const { spec } = set
  if (!isRecord(spec)) return set
  return { ...set, spec: { replicas: 1, ...spec, template: defaultTemplate(spec.template) } }
}

/** The defaults of a pod, without the one that belongs to pods alone. */
function defaultTemplate(template: PodTemplate): PodTemplate {
  if (!isRecord(template) || !isRecord(template.spec)) return template
  const own = template.spec as TemplateSpec
  const filled = defaultPod({ apiVersion: 'v1', kind: 'Pod', metadata: { name: '' }, spec: own } as Pod).spec
  const { enableServiceLinks: _links, ...rest } = filled as TemplateSpec
  const links = own.enableServiceLinks
  const spec: TemplateSpec = links === undefined ? rest : { ...rest, enableServiceLinks: links }
  return { ...template, spec }
}
