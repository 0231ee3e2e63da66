/** Pods. Their node's agent runs them, writes their status, and has the last word on their deletion. */
import type { Pod } from '#api'
import { defaultPod, PODS, validatePod, validatePodUpdate } from '#api'
import { AGE_COLUMN, NAME_COLUMN, textColumn, wideColumn } from '../tables/index.ts'
import { defineKind, withMeta } from './define-kind.ts'
import { podCells } from './pod-cells.ts'

type PodFields = Pod['spec'] & { readonly schedulerName?: string; readonly serviceAccountName?: string }
type PodStatusFields = NonNullable<Pod['status']> & { readonly nominatedNodeName?: string }

const FINISHED: readonly (string | undefined)[] = ['Succeeded', 'Failed']

export const podKind = defineKind<Pod>({
  info: PODS,
  schema: 'io.k8s.api.core.v1.Pod',
  message: 'k8s.io.api.core.v1.Pod',
  hasStatus: true,
  hasGeneration: true,
  deleteReturnsObject: true,
  fields: (pod) => {
    const spec: Partial<PodFields> = pod.spec ?? {}
    const status: PodStatusFields = pod.status ?? {}
    return {
      'spec.nodeName': spec.nodeName ?? '',
      'spec.restartPolicy': spec.restartPolicy ?? '',
      'spec.schedulerName': spec.schedulerName ?? '',
      'spec.serviceAccountName': spec.serviceAccountName ?? '',
      'spec.hostNetwork': String(spec.hostNetwork ?? false),
      'status.phase': status.phase ?? '',
      'status.podIP': status.podIP ?? '',
      'status.podIPs': (status.podIPs ?? []).map(({ ip }) => ip).join(','),
      'status.nominatedNodeName': status.nominatedNodeName ?? '',
    }
  },
  defaults: defaultPod,
  prepareForCreate: (pod) => ({ ...pod, status: { phase: 'Pending', qosClass: qualityClass(pod) } }),
  validate: validatePod,
  validateUpdate: validatePodUpdate,
  beforeDelete: (pod, options, context) => {
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    const nobodyRunsIt = (pod.spec.nodeName ?? '') === '' || FINISHED.includes(pod.status?.phase)
    const wanted = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
    const grace = nobodyRunsIt ? 0 : Math.max(wanted, 0)
    if (grace === 0) return undefined
    if (deletionTimestamp === undefined) return { deferred: marked(pod, Date.parse(context.now) + grace * 1000, grace) }
    // A running deletion can only be made faster.
    const before = deletionGracePeriodSeconds ?? 0
    if (options.gracePeriodSeconds === undefined || grace >= before) return { deferred: pod }
    return { deferred: marked(pod, Date.parse(deletionTimestamp) - (before - grace) * 1000, grace) }
  },
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Ready', 'Containers that are ready, of all that should be'),
      textColumn('Status', 'Phase, or the reason that keeps the pod from it'),
      textColumn('Restarts', 'How often containers were restarted, and when last'),
      AGE_COLUMN,
      wideColumn('IP', 'Primary address'),
      wideColumn('Node', 'Node it runs on'),
      wideColumn('Nominated Node', 'Node that is being cleared for it'),
      wideColumn('Readiness Gates', 'Extra conditions that hold, of all it asks for'),
    ],
    cells: podCells,
  },
})

function marked(pod: Pod, deadline: number, grace: number): Pod {
  const deletionTimestamp = new Date(deadline).toISOString().replace(/\.\d+Z$/, 'Z')
  return withMeta(pod, { deletionTimestamp, deletionGracePeriodSeconds: grace })
}

type Resources = {
  readonly requests?: Readonly<Record<string, unknown>>
  readonly limits?: Readonly<Record<string, unknown>>
}

/** BestEffort: nothing asked; Guaranteed: cpu and memory limited, and asked for exactly so (core/helper/qos). */
function qualityClass(pod: Pod): string {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map(
    (container) => (container as { readonly resources?: Resources }).resources ?? {},
  )
  const asks = all.some(
    ({ requests, limits }) => Object.keys(requests ?? {}).length + Object.keys(limits ?? {}).length > 0,
  )
  if (!asks) return 'BestEffort'
  const guaranteed = all.every(({ requests, limits }) =>
    ['cpu', 'memory'].every(
      (name) => limits?.[name] !== undefined && (requests?.[name] ?? limits[name]) === limits[name],
    ),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
