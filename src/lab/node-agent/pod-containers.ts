/**
 * The containers of one sandbox in their order: init containers one after the other, those that keep running (sidecars,
 * KEP-753) started before the next, then all others at once. Ends when none is to run again.
 */
import type { Container, Pod } from '#api'

import type { ContainerRunner, RestartPolicy } from './container-runner.ts'

export interface PodContainers {
  readonly initContainers: readonly ContainerRunner[]
  readonly containers: readonly ContainerRunner[]
  readonly initialized: boolean
  /** Resolves when all have ended for good, or were stopped. */
  run(): Promise<void>
  /** Main containers, then sidecars, newest first. May be called again with less grace (milliseconds). */
  stop(grace: number): Promise<void>
}

export type PodContainersOptions = {
  readonly pod: Pod
  readonly createRunner: (container: Container, restartPolicy: RestartPolicy) => ContainerRunner
  readonly onChange: () => void
}

export function createPodContainers({ pod, createRunner, onChange }: PodContainersOptions): PodContainers {
  const policy = pod.spec.restartPolicy ?? 'Always'
  const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'
  const init = (pod.spec.initContainers ?? []).map((container) => ({
    sidecar: isSidecar(container),
    runner: createRunner(container, isSidecar(container) ? 'Always' : policy === 'Never' ? 'Never' : 'OnFailure'),
  }))
  const containers = pod.spec.containers.map((container) => createRunner(container, policy))
  const sidecars = init.filter((one) => one.sidecar).map((one) => one.runner)
  const stopped = Promise.withResolvers<void>()
  const sidecarRuns: Promise<void>[] = []
  let stopping = false
  let initialized = init.length === 0

  const initialize = async (): Promise<boolean> => {
    for (const { sidecar, runner } of init) {
      if (stopping) return false
      const run = runner.run()
      if (sidecar) {
        sidecarRuns.push(run)
        await Promise.race([runner.firstStarted, stopped.promise])
      } else {
        await run
        if (runner.view().state.terminated?.exitCode !== 0) return false
      }
    }
    return !stopping
  }

  const stopSidecars = async (grace: number): Promise<void> => {
    for (const runner of [...sidecars].reverse()) await runner.stop(grace)
  }

  return {
    initContainers: init.map((one) => one.runner),
    containers,
    get initialized() {
      return initialized
    },
    run: async () => {
      if (await initialize()) {
        initialized = true
        onChange()
        await Promise.all(containers.map((runner) => runner.run()))
      }
      await stopSidecars((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000)
      await Promise.all(sidecarRuns)
    },
    stop: async (grace) => {
      stopping = true
      stopped.resolve()
      const others = init.filter((one) => !one.sidecar).map((one) => one.runner)
      await Promise.all([...others, ...containers].map((runner) => runner.stop(grace)))
      await stopSidecars(grace)
    },
  }
}
