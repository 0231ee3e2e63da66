/** One row of `kubectl get pods`: the status says what is in the way, as printers.go printPod does. */
import type { ContainerStatus, Pod } from '#api'
import { ageSince, NONE, shortDuration } from '../tables/index.ts'

type StatusFields = NonNullable<Pod['status']> & {
  readonly initContainerStatuses?: readonly ContainerStatus[]
  readonly nominatedNodeName?: string
}

export function podCells(pod: Pod, now: number): readonly (string | number)[] {
  const { metadata } = pod
  const status: StatusFields = pod.status ?? {}
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  const sidecarNames = new Set(sidecars.map(({ name }) => name))
  const states = [
    ...(status.initContainerStatuses ?? []).filter(({ name }) => sidecarNames.has(name)),
    ...(status.containerStatuses ?? []),
  ]
  const total = (pod.spec?.containers ?? []).length + sidecars.length
  const ready = states.filter((state) => state.ready && state.state?.running !== undefined).length
  return [
    metadata.name,
    `${ready}/${total}`,
    statusText(pod, status, sidecarNames),
    restartsText(states, now),
    ageSince(metadata.creationTimestamp, now),
    status.podIPs?.[0]?.ip ?? status.podIP ?? NONE,
    orNone(pod.spec?.nodeName),
    orNone(status.nominatedNodeName),
    gatesText(pod),
  ]
}

function statusText(pod: Pod, status: StatusFields, sidecars: ReadonlySet<string>): string {
  const phase = status.phase ?? ''
  const base = status.reason ?? phase
  const initializing = initText(pod, status, sidecars)
  const reason = initializing ?? mainReason(status, base)
  if (pod.metadata.deletionTimestamp === undefined) return reason
  if (status.reason === 'NodeLost') return 'Unknown'
  return phase === 'Succeeded' || phase === 'Failed' ? reason : 'Terminating'
}

/** The first init container that has not done its work. */
function initText(pod: Pod, status: StatusFields, sidecars: ReadonlySet<string>): string | undefined {
  const states = status.initContainerStatuses ?? []
  for (const [i, { name, started, state }] of states.entries()) {
    if (state?.terminated?.exitCode === 0 || (sidecars.has(name) && started === true)) continue
    if (state?.terminated !== undefined) return `Init:${exitText(state.terminated)}`
    const waiting = state?.waiting?.reason
    if (waiting !== undefined && waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`
    return `Init:${i}/${(pod.spec?.initContainers ?? []).length}`
  }
  return undefined
}

function mainReason(status: StatusFields, base: string): string {
  let reason = base
  let running = false
  for (const { ready, state } of [...(status.containerStatuses ?? [])].reverse()) {
    const waiting = state?.waiting?.reason
    if (waiting !== undefined && waiting !== '') reason = waiting
    else if (state?.terminated !== undefined) reason = exitText(state.terminated)
    else if (ready && state?.running !== undefined) running = true
  }
  if (reason !== 'Completed' || !running) return reason
  const isReady = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true
  return isReady ? 'Running' : 'NotReady'
}

function exitText(end: { readonly reason?: string; readonly signal?: number; readonly exitCode: number }): string {
  if (end.reason !== undefined && end.reason !== '') return end.reason
  return end.signal !== undefined && end.signal !== 0 ? `Signal:${end.signal}` : `ExitCode:${end.exitCode}`
}

function restartsText(states: readonly ContainerStatus[], now: number): string {
  const count = states.reduce((sum, state) => sum + (state.restartCount ?? 0), 0)
  const ends = states.map(({ lastState }) => Date.parse(lastState?.terminated?.finishedAt ?? ''))
  const last = Math.max(...ends.filter((time) => !Number.isNaN(time)))
  return count > 0 && Number.isFinite(last) ? `${count} (${shortDuration(now - last)} ago)` : String(count)
}

function gatesText(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? []
  if (gates.length === 0) return NONE
  const holds = (type: string): boolean =>
    pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
  return `${gates.filter(({ conditionType }) => holds(conditionType)).length}/${gates.length}`
}

function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? NONE : text
}
