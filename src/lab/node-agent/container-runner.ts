/**
 * One container across its runs: command and environment, start, probes, restart policy and back-off, stop. Its whole state
 * is what `view` returns; whoever composes the pod's status is told of each change.
 */
import type { Container, ContainerState, Pod } from '#api'
import type { Clock, Logger } from '#lib'
import { openPty } from '#kernel'
import { backoffDelay, messageOf } from '#lib'

import type { Environment, ResolvedEnv } from './container-env.ts'
import type { ContainerCommand, ContainerExit, ContainerProcess } from './container-process.ts'
import type { ImageCatalog } from './images.ts'
import type { ContainerView } from './pod-status.ts'
import type { PodSandbox } from './pod-sandbox.ts'
import type { ContainerIo } from './streams/container-io.ts'
import { DEFAULT_PATH, expandReferences } from './container-env.ts'
import { ContainerLog } from './container-log.ts'
import { execInPod, startContainerProcess, startProblem } from './container-process.ts'
import { startProbes } from './container-probes.ts'
import { resolveCommand } from './images.ts'
import { timestamp } from './timestamp.ts'
import { within } from './within.ts'

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never'

export type ContainerEventType = 'Normal' | 'Warning'

export type ContainerRunnerOptions = {
  readonly container: Container
  readonly pod: Pod
  readonly restartPolicy: RestartPolicy
  readonly sandbox: () => PodSandbox
  /** Where http and tcp probes go. */
  readonly probeAddress: string
  readonly images: ImageCatalog
  readonly environment: (container: Container, base: Environment) => Promise<ResolvedEnv>
  readonly logPath: (restartCount: number) => string
  readonly restartBackoff: { readonly base: number; readonly max: number }
  readonly firstRestartCount: number
  readonly onChange: () => void
  readonly onEvent: (type: ContainerEventType, reason: string, message: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

type Reason = { readonly reason: string; readonly message: string }

/** While something that is referred to is missing (config map, image), look again this often, in milliseconds. */
const RECHECK = 2000
const BASE_ENV: Environment = { PATH: DEFAULT_PATH, HOME: '/root' }

export class ContainerRunner {
  readonly #options: ContainerRunnerOptions
  readonly #stop = new AbortController()
  #container: Container
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  #lastState: ContainerState = {}
  #ready = false
  #started = false
  #done = false
  #restartCount: number
  #failures = 0
  #process: ContainerProcess | undefined
  /** The run whose stop has begun: its hook is not run again when it is hurried. */
  #ending: ContainerProcess | undefined
  #log: ContainerLog | undefined
  #previousLog: ContainerLog | undefined
  #env: Environment = {}
  #pid: number | undefined
  #changed = Promise.withResolvers<void>()
  #firstStart = Promise.withResolvers<void>()

  constructor(options: ContainerRunnerOptions) {
    this.#options = options
    this.#container = options.container
    this.#restartCount = options.firstRestartCount
  }

  get name(): string {
    return this.#container.name
  }

  /** Resolves once it has counted as started for the first time: running, and past its startup probe. */
  get firstStarted(): Promise<void> {
    return this.#firstStart.promise
  }

  get spec(): Container {
    return this.#container
  }

  get env(): Environment {
    return this.#env
  }

  get pid(): number | undefined {
    return this.#pid
  }

  /** Where a command runs beside the main process; undefined while there is none. */
  get place(): { readonly podPid: number; readonly command: Omit<ContainerCommand, 'argv'> } | undefined {
    if (this.#process === undefined) return undefined
    const { workingDir } = this.#container
    const command = { env: this.#env, ...(workingDir === undefined ? {} : { workingDir }) }
    return { podPid: this.#options.sandbox().pid, command }
  }

  /** The standard streams of the main process. */
  get io(): ContainerIo | undefined {
    return this.#process?.io
  }

  log(previous: boolean): ContainerLog | undefined {
    // Between two runs the last one is both: nothing newer has a log yet (kubelet validateContainerLogStatus).
    return previous && this.#state.waiting === undefined ? this.#previousLog : this.#log
  }

  view(): ContainerView {
    const { metadata } = this.#options.pod
    return {
      name: this.name,
      image: this.#container.image ?? '',
      state: this.#state,
      lastState: this.#lastState,
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restartCount,
      done: this.#done,
      ...(this.#log === undefined
        ? {}
        : { containerId: `signalbox://${metadata.uid ?? ''}/${this.name}/${this.#restartCount}` }),
    }
  }

  /** A changed image replaces the running container (the only field of a container that may change). */
  update(container: Container): void {
    if (container.image === this.#container.image) {
      this.#container = container
      return
    }
    this.#container = container
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
    const grace = (this.#options.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    if (this.#process !== undefined) void this.#end(this.#process, grace)
  }

  /** Runs it until it is not to be started again. */
  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const command = await this.#command()
      if (command === undefined) break
      const exit = await this.#runOnce(command)
      if (this.#stop.signal.aborted || !this.#restarts(exit)) break
      // Killed with its namespaces: the pod's affair.
      if (!(await this.#options.sandbox().isAlive())) break
      await this.#backOff(exit)
      if (this.#stop.signal.aborted) break
      this.#restartCount += 1
    }
    this.#done = true
    this.#ready = false
    this.#options.onChange()
  }

  /** preStop, SIGTERM, and SIGKILL when `grace` milliseconds are over; resolves when it is down. Never starts again. */
  async stop(grace: number): Promise<void> {
    this.#stop.abort(new Error('the pod is being stopped'))
    const running = this.#process
    if (running === undefined) return
    this.#options.onEvent('Normal', 'Killing', `Stopping container ${this.name}`)
    await this.#end(running, grace)
  }

  /** Undefined: stopped while something it needs was missing. */
  async #command(): Promise<ContainerCommand | undefined> {
    while (!this.#stop.signal.aborted) {
      const resolved = await this.#resolve().catch((error: unknown) => ({
        reason: 'CreateContainerConfigError',
        message: messageOf(error),
      }))
      if ('argv' in resolved) return resolved
      const known = this.#state.waiting
      if (known?.reason !== resolved.reason || known.message !== resolved.message) {
        this.#state = { waiting: resolved }
        this.#options.onEvent('Warning', 'Failed', resolved.message)
        this.#options.onChange()
      }
      await this.#pause(RECHECK)
    }
    return undefined
  }

  async #resolve(): Promise<ContainerCommand | Reason> {
    const resolved = resolveCommand(this.#container, this.#options.images)
    if ('reason' in resolved) return resolved
    const base = { ...BASE_ENV, ...resolved.env }
    const { env, problem } = {
      problem: undefined,
      env: {},
      ...(await this.#options.environment(this.#container, base)),
    }
    if (problem !== undefined) return { reason: 'CreateContainerConfigError', message: problem }
    const [file, ...args] = resolved.argv.map((word) => expandReferences(word, env))
    const { workingDir } = this.#container
    return { argv: [file ?? '', ...args], env, ...(workingDir === undefined ? {} : { workingDir }) }
  }

  async #runOnce(command: ContainerCommand): Promise<ContainerExit> {
    const { clock, onChange, onEvent, sandbox } = this.#options
    const problem = await startProblem(command)
    const startedAt = timestamp(clock)
    if (problem !== undefined) {
      onEvent('Warning', 'Failed', `Error: ${problem}`)
      return this.#ended({ exitCode: 128 }, { startedAt, reason: 'StartError', message: problem })
    }
    const pod = sandbox()
    this.#previousLog?.remove()
    this.#previousLog = this.#log
    this.#log = new ContainerLog({ path: this.#options.logPath(this.#restartCount), clock })
    this.#env = command.env
    const begun = clock.monotonic()
    const { tty, stdin } = this.#container as Interactive
    const pty = tty === true ? await openPty() : undefined
    const interactive = { ...command, stdin: stdin === true }
    const running = startContainerProcess(interactive, this.#log, { podPid: pod.pid, clock, pty })
    this.#process = running
    this.#state = { running: { startedAt } }
    onEvent('Normal', 'Started', `Started container ${this.name}`)
    const probing = new AbortController()
    startProbes({
      container: this.#container,
      address: this.#options.probeAddress,
      exec: (argv, milliseconds) =>
        execInPod(pod.pid, { ...command, argv: [argv[0] ?? '', ...argv.slice(1)] }, { clock, milliseconds }),
      onReady: (ready) => this.#setReady(ready),
      onStarted: () => this.#setStarted(),
      onUnhealthy: (grace) => void this.#end(running, grace ?? this.#grace()),
      onEvent: (message) => onEvent('Warning', 'Unhealthy', message),
      clock,
      signal: probing.signal,
      stopping: this.#stop.signal,
    })
    this.#pid = await running.mainPid()
    onChange()
    const exit = await running.exited
    probing.abort(new Error('the container has ended'))
    if (clock.monotonic() - begun > 2 * this.#options.restartBackoff.max) this.#failures = 0
    return this.#ended(exit, { startedAt, reason: exit.exitCode === 0 ? 'Completed' : 'Error' })
  }

  #ended(exit: ContainerExit, facts: { startedAt: string; reason: string; message?: string }): ContainerExit {
    this.#process = undefined
    this.#pid = undefined
    this.#ready = false
    this.#started = false
    this.#state = { terminated: { ...exit, ...facts, finishedAt: timestamp(this.#options.clock) } }
    this.#options.onChange()
    return exit
  }

  #restarts(exit: ContainerExit): boolean {
    const { restartPolicy } = this.#options
    return restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exit.exitCode !== 0)
  }

  /** The first restart is immediate, then 10 s, 20 s, … 5 min (kuberuntime_manager.go doBackOff). */
  async #backOff(exit: ContainerExit): Promise<void> {
    const delay = this.#failures === 0 ? 0 : backoffDelay(this.#failures, this.#options.restartBackoff)
    this.#failures += 1
    this.#lastState = this.#state
    const { metadata } = this.#options.pod
    const object = `${metadata.name}_${metadata.namespace ?? ''}(${metadata.uid ?? ''})`
    if (delay > 0) {
      const message = `back-off ${delay / 1000}s restarting failed container=${this.name} pod=${object}`
      this.#state = { waiting: { reason: 'CrashLoopBackOff', message } }
      this.#options.onEvent('Warning', 'BackOff', `Back-off restarting failed container ${this.name}`)
      this.#options.onChange()
      this.#options.logger.debug('container waits for restart', { container: this.name, exitCode: exit.exitCode })
      await this.#pause(delay)
    }
    this.#state = { waiting: { reason: 'ContainerCreating' } }
  }

  #setReady(ready: boolean): void {
    if (this.#process === undefined || this.#ready === ready) return
    this.#ready = ready
    this.#options.onChange()
  }

  #setStarted(): void {
    if (this.#process === undefined || this.#started) return
    this.#started = true
    this.#firstStart.resolve()
    this.#options.onChange()
  }

  async #end(running: ContainerProcess, grace: number): Promise<void> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + grace
    let over = false
    void running.exited.then(() => (over = true))
    const hook = preStop(this.#container)
    const pod = this.#options.sandbox()
    const first = this.#ending !== running
    this.#ending = running
    if (first && hook.command.length > 0 && grace > 0) {
      const [file = '', ...args] = hook.command
      await execInPod(pod.pid, { argv: [file, ...args], env: this.#env }, { clock, milliseconds: grace })
    }
    if (first && hook.sleep > 0) await within(clock, Math.min(hook.sleep, grace), running.exited)
    if (grace > 0 && !over) {
      await running.terminate()
      await within(clock, Math.max(0, deadline - clock.monotonic()), running.exited)
    }
    if (!over) await running.kill()
    await running.exited
  }

  #grace(): number {
    return (this.#options.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  }

  async #pause(milliseconds: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (this.#stop.signal.aborted) resolve()
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await within(this.#options.clock, milliseconds, Promise.race([stopped, this.#changed.promise]))
  }
}

/** Not in the shared type of the container. */
export type Interactive = Container & {
  readonly stdin?: boolean
  readonly stdinOnce?: boolean
  readonly tty?: boolean
}

/** `sleep` (KEP-3960) is not in the shared type of the hook. */
function preStop(container: Container): { readonly command: readonly string[]; readonly sleep: number } {
  const hook = container.lifecycle?.preStop as
    | { readonly exec?: { readonly command?: readonly string[] }; readonly sleep?: { readonly seconds?: number } }
    | undefined
  return { command: hook?.exec?.command ?? [], sleep: (hook?.sleep?.seconds ?? 0) * 1000 }
}
