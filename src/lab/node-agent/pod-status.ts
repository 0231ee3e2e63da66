/**
 * PodStatus from what runs. Pure; the rules are kubelet's (pkg/kubelet/kubelet_pods.go getPhase, pkg/kubelet/status).
 */
import type { Condition, ContainerState, ContainerStatus, Pod, PodPhase } from '#api'

/** One container as its runner knows it. */
export type ContainerView = {
  readonly name: string
  readonly image: string
  readonly state: ContainerState
  readonly lastState: ContainerState
  readonly ready: boolean
  readonly started: boolean
  readonly restartCount: number
  readonly containerId?: string
  /** A finished init container that will not run again. */
  readonly done?: boolean
}

export type PodView = {
  readonly pod: Pod
  readonly initialized: boolean
  readonly sandboxReady: boolean
  /** All containers have ended for good: nothing is started again. */
  readonly ended: boolean
  readonly initContainers: readonly ContainerView[]
  readonly containers: readonly ContainerView[]
  readonly addresses: readonly string[]
  readonly hostAddresses: readonly string[]
  readonly startTime: string
  readonly now: string
}

export type PodStatus = NonNullable<Pod['status']>

export function podStatus(view: PodView): PodStatus & { readonly initContainerStatuses?: readonly ContainerStatus[] } {
  const before = view.pod.status ?? {}
  const own = conditions(view)
  const foreign = (before.conditions ?? []).filter((condition) => !own.some(({ type }) => type === condition.type))
  const [podIP] = view.addresses
  const [hostIP] = view.hostAddresses
  return {
    phase: phase(view),
    conditions: [...own.map((condition) => sinceWhen(condition, before.conditions, view.now)), ...foreign],
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: view.hostAddresses.map((ip) => ({ ip })) }),
    ...(podIP === undefined ? {} : { podIP, podIPs: view.addresses.map((ip) => ({ ip })) }),
    startTime: view.startTime,
    ...(view.initContainers.length === 0 ? {} : { initContainerStatuses: view.initContainers.map(containerStatus) }),
    containerStatuses: view.containers.map(containerStatus),
    qosClass: before.qosClass ?? 'BestEffort',
  }
}

function phase(view: PodView): PodPhase {
  const failedInit = view.initContainers.some((one) => one.done === true && (one.state.terminated?.exitCode ?? 0) !== 0)
  if (view.ended && failedInit) return 'Failed'
  if (!view.initialized) return 'Pending'
  const neverRan = view.containers.some(
    (one) => one.state.waiting !== undefined && one.lastState.terminated === undefined,
  )
  if (view.ended) {
    const failed = view.containers.some((one) => (one.state.terminated?.exitCode ?? 1) !== 0)
    return failed ? 'Failed' : 'Succeeded'
  }
  return neverRan ? 'Pending' : 'Running'
}

function conditions(view: PodView): readonly Condition[] {
  const unready = view.containers.filter((one) => !one.ready).map((one) => one.name)
  const over = phase(view) === 'Succeeded'
  const containersReady: Condition =
    unready.length === 0 && view.initialized
      ? { type: 'ContainersReady', status: 'True' }
      : {
          type: 'ContainersReady',
          status: 'False',
          reason: over ? 'PodCompleted' : 'ContainersNotReady',
          ...(over ? {} : { message: `containers with unready status: [${unready.join(' ')}]` }),
        }
  return [
    { type: 'PodScheduled', status: 'True' },
    { type: 'PodReadyToStartContainers', status: view.sandboxReady ? 'True' : 'False' },
    view.initialized
      ? { type: 'Initialized', status: 'True', ...(over ? { reason: 'PodCompleted' } : {}) }
      : { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized' },
    containersReady,
    readyCondition(view, containersReady),
  ]
}

/** Ready is the containers and every readiness gate (KEP-580). */
function readyCondition(view: PodView, containersReady: Condition): Condition {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' }
  const gates = (view.pod.spec.readinessGates ?? []).map((gate) => gate.conditionType)
  const closed = gates.filter(
    (type) => !(view.pod.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True'),
  )
  if (closed.length === 0) return { type: 'Ready', status: 'True' }
  const message = closed.map((type) => `corresponding condition of pod readiness gate "${type}" is not True`).join(', ')
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message }
}

function sinceWhen(condition: Condition, before: readonly Condition[] | undefined, now: string): Condition {
  const old = (before ?? []).find((one) => one.type === condition.type)
  const same = old !== undefined && old.status === condition.status
  return { ...condition, lastProbeTime: null, lastTransitionTime: same ? (old.lastTransitionTime ?? now) : now }
}

function containerStatus(view: ContainerView): ContainerStatus {
  return {
    name: view.name,
    image: view.image,
    imageID: '',
    ready: view.ready,
    started: view.started,
    restartCount: view.restartCount,
    state: view.state,
    lastState: view.lastState,
    ...(view.containerId === undefined ? {} : { containerID: view.containerId }),
  }
}
