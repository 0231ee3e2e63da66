/**
 * One pod on one node, from its appearance in the API to its removal: sandbox, containers, status, and on deletion the way
 * down, which ends with DELETE and a grace of zero (api-server.md 11). A worker belongs to one uid.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Container, Pod } from '#api'
import { PODS } from '#api'
import { backoffDelay, hasCode, messageOf } from '#lib'

import type { ContainerLog } from './container-log.ts'
import type { NodeContext } from './node-context.ts'
import type { PodContainers } from './pod-containers.ts'
import type { PodRecord } from './pod-record.ts'
import type { PodSandbox } from './pod-sandbox.ts'
import type { ContainerView, PodStatus } from './pod-status.ts'
import type { StatusWriter } from './status-writer.ts'
import { ContainerRunner } from './container-runner.ts'
import { containerEnvironment } from './node-context.ts'
import { createPodContainers } from './pod-containers.ts'
import { hostsFile, podHostname, resolvConf } from './pod-files.ts'
import { removePodRecord, writePodRecord } from './pod-record.ts'
import { createPodSandbox } from './pod-sandbox.ts'
import { podStatus } from './pod-status.ts'
import { createStatusWriter } from './status-writer.ts'
import { timestamp } from './timestamp.ts'
import { within } from './within.ts'

const SANDBOX_BACKOFF = { base: 200, max: 10_000 }

export class PodWorker {
  readonly #context: NodeContext
  readonly #pod: Pod
  readonly #writer: StatusWriter
  readonly #startTime: string
  readonly #stopping = Promise.withResolvers<void>()
  readonly #life = new AbortController()
  #stopped = false
  #grace = Number.POSITIVE_INFINITY
  #ended = false
  #sandbox: PodSandbox | undefined
  #containers: PodContainers | undefined
  #addresses: readonly string[] = []
  #record: PodRecord | undefined
  /** Record files are written and removed one after the other. */
  #recording: Promise<void> = Promise.resolve()

  constructor(pod: Pod, context: NodeContext) {
    this.#context = context
    this.#pod = pod
    this.#startTime = pod.status?.startTime ?? timestamp(context.clock)
    this.#writer = createStatusWriter({
      ...context,
      pod,
      status: (latest) => this.#status(latest),
      signal: this.#life.signal,
    })
  }

  get uid(): string {
    return this.#pod.metadata.uid ?? ''
  }

  /** Runs the pod's whole life; resolves when nothing of it is left here. Does not reject. */
  async run(): Promise<void> {
    try {
      if (isOver(this.#pod)) this.#ended = true
      else await this.#live()
    } catch (error) {
      this.#context.logger.error('pod worker failed', { pod: this.#name, error: messageOf(error) })
    }
    await this.#stopping.promise
    await this.#takeDown()
    await this.#writer.flush()
    await this.#deleteObject()
    this.#life.abort(new Error('the pod is gone'))
  }

  /** A newer copy of the same pod. */
  update(pod: Pod): void {
    this.#writer.seen(pod)
    for (const runner of this.#containers?.containers ?? []) {
      const changed = pod.spec.containers.find((container) => container.name === runner.name)
      if (changed !== undefined) runner.update(changed)
    }
  }

  /** The pod is to go; again with less `grace` (milliseconds) to hurry. More grace, or the same, changes nothing. */
  stop(grace: number): void {
    if (grace >= this.#grace) return
    this.#grace = grace
    this.#stopped = true
    this.#stopping.resolve()
    void this.#containers?.stop(grace)
  }

  log(container: string | undefined, previous: boolean): ContainerLog | undefined {
    const all = [...(this.#containers?.containers ?? []), ...(this.#containers?.initContainers ?? [])]
    return all.find((runner) => container === undefined || runner.name === container)?.log(previous)
  }

  /** A container that has been made, by its name. */
  container(name: string): ContainerRunner | undefined {
    const all = [...(this.#containers?.containers ?? []), ...(this.#containers?.initContainers ?? [])]
    return all.find((runner) => runner.name === name)
  }

  /** Somewhere in the pod's namespaces, while they exist. */
  get sandboxPid(): number | undefined {
    return this.#sandbox?.pid
  }

  get addresses(): readonly string[] {
    return this.#addresses
  }

  get #name(): string {
    return `${this.#pod.metadata.namespace ?? 'default'}/${this.#pod.metadata.name}`
  }

  /** Containers in a sandbox; in a new one if the sandbox is lost. */
  async #live(): Promise<void> {
    this.#writer.touch()
    while (!this.#stopped) {
      const sandbox = await this.#makeSandbox()
      // Stopped meanwhile: `stop` found no containers to stop.
      if (sandbox === undefined || this.#stopped) return
      const containers = createPodContainers({
        pod: this.#pod,
        createRunner: (container, restartPolicy) => this.#createRunner(container, restartPolicy, sandbox),
        onChange: () => this.#changed(),
      })
      this.#containers = containers
      this.#changed()
      const run = containers.run()
      await Promise.race([run, sandbox.exited])
      if (!this.#stopped && !(await sandbox.isAlive())) {
        this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
        await containers.stop(0)
        await run
        await this.#destroySandbox()
        continue
      }
      await run
      this.#ended = !this.#stopped
      if (this.#ended) await this.#destroySandbox()
      this.#changed()
      return
    }
  }

  async #makeSandbox(): Promise<PodSandbox | undefined> {
    const { clock, logger } = this.#context
    for (let failures = 1; !this.#stopped; failures += 1) {
      try {
        this.#sandbox = await this.#createSandbox()
        await this.#writeRecord()
        return this.#sandbox
      } catch (error) {
        logger.warn('pod sandbox not created', { pod: this.#name, failures, error: messageOf(error) })
        this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`)
        await within(clock, backoffDelay(failures, SANDBOX_BACKOFF), this.#stopping.promise)
      }
    }
    return undefined
  }

  async #createSandbox(): Promise<PodSandbox> {
    const { node, dns, tokens, visible, clock } = this.#context
    const pod = this.#pod
    const own = pod.spec.hostNetwork === true ? undefined : this.#context.addresses.take(this.uid)
    if (pod.spec.hostNetwork !== true && own === undefined) throw new Error('the node has no free pod address')
    this.#addresses = own ?? node.addresses
    const mount =
      tokens === undefined || pod.spec.automountServiceAccountToken === false ? undefined : await tokens(pod)
    await mkdir(this.#logFolder, { recursive: true, mode: 0o700 })
    return createPodSandbox({
      uid: this.uid,
      network: own === undefined ? undefined : { addresses: own, gateways: node.podGateways },
      clock,
      root: {
        folder: join(this.#context.runtimeDir, 'pod-roots', this.uid),
        namespace: pod.metadata.namespace ?? 'default',
        hostname: pod.spec.hostNetwork === true ? node.name : podHostname(pod),
        hosts: hostsFile(pod, this.#addresses, dns),
        resolvConf: resolvConf(pod, dns),
        serviceAccount: mount,
        visible,
      },
    })
  }

  #createRunner(
    container: Container,
    restartPolicy: 'Always' | 'OnFailure' | 'Never',
    sandbox: PodSandbox,
  ): ContainerRunner {
    const { images, restartBackoff, clock, logger } = this.#context
    const known = this.#writer.latest.status as PodStatus & { initContainerStatuses?: PodStatus['containerStatuses'] }
    const before = [...(known?.containerStatuses ?? []), ...(known?.initContainerStatuses ?? [])].find(
      (one) => one.name === container.name,
    )
    const hadRun = before?.state?.waiting === undefined || before.lastState?.terminated !== undefined
    return new ContainerRunner({
      container,
      pod: this.#pod,
      restartPolicy,
      sandbox: () => sandbox,
      probeAddress: this.#addresses[0] ?? '127.0.0.1',
      images,
      environment: containerEnvironment(this.#context, this.#pod, this.#addresses),
      logPath: (restartCount) => join(this.#logFolder, `${container.name}_${restartCount}.log`),
      restartBackoff,
      firstRestartCount: before === undefined ? 0 : before.restartCount + (hadRun ? 1 : 0),
      onChange: () => this.#changed(),
      onEvent: (type, reason, message) => this.#event(type, reason, message),
      clock,
      logger,
    })
  }

  #changed(): void {
    this.#writer.touch()
    this.#writeRecord().catch((error: unknown) =>
      this.#context.logger.warn('pod record not written', { pod: this.#name, error: messageOf(error) }),
    )
  }

  #status(latest: Pod): PodStatus {
    if (isOver(latest) && this.#containers === undefined) return latest.status ?? {}
    return podStatus({
      pod: latest,
      initialized: this.#containers?.initialized ?? (this.#pod.spec.initContainers ?? []).length === 0,
      sandboxReady: this.#sandbox?.alive ?? false,
      ended: this.#ended,
      initContainers: this.#views(this.#pod.spec.initContainers ?? [], this.#containers?.initContainers),
      containers: this.#views(this.#pod.spec.containers, this.#containers?.containers),
      addresses: this.#addresses,
      hostAddresses: this.#context.node.addresses,
      startTime: this.#startTime,
      now: timestamp(this.#context.clock),
    })
  }

  #views(specs: readonly Container[], runners: readonly ContainerRunner[] | undefined): readonly ContainerView[] {
    const pending = this.#containers?.initialized === false ? 'PodInitializing' : 'ContainerCreating'
    return specs.map((spec, i) => {
      const view = runners?.[i]?.view()
      const untouched = view === undefined || view.state.waiting?.reason === 'ContainerCreating'
      const state = untouched ? { waiting: { reason: pending } } : view.state
      const empty = { lastState: {}, ready: false, started: false, restartCount: 0 }
      return { name: spec.name, image: spec.image ?? '', ...empty, ...view, state }
    })
  }

  async #takeDown(): Promise<void> {
    await this.#destroySandbox()
    this.#context.addresses.release(this.uid)
    for (const runner of [...(this.#containers?.containers ?? []), ...(this.#containers?.initContainers ?? [])]) {
      runner.log(false)?.end()
    }
    await rm(this.#logFolder, { recursive: true, force: true })
  }

  async #destroySandbox(): Promise<void> {
    const sandbox = this.#sandbox
    this.#sandbox = undefined
    await sandbox?.destroy()
    await this.#queueRecord(async () => {
      if (this.#record !== undefined) await removePodRecord(this.#context.runtimeDir, this.#record)
      this.#record = undefined
    })
  }

  async #writeRecord(): Promise<void> {
    await this.#queueRecord(async () => {
      if (this.#sandbox === undefined) return
      this.#record = this.#describe(this.#sandbox)
      await writePodRecord(this.#context.runtimeDir, this.#record)
    })
  }

  #queueRecord(task: () => Promise<void>): Promise<void> {
    const next = this.#recording.catch(() => undefined).then(task)
    this.#recording = next
    return next
  }

  #describe(sandbox: PodSandbox): PodRecord {
    return {
      namespace: this.#pod.metadata.namespace ?? 'default',
      name: this.#pod.metadata.name,
      uid: this.uid,
      node: this.#context.node.name,
      pid: sandbox.pid,
      startTime: sandbox.startTime,
      hostNetwork: this.#pod.spec.hostNetwork === true,
      addresses: this.#addresses,
      ...(sandbox.link === undefined ? {} : { link: sandbox.link }),
      containers: (this.#containers?.containers ?? []).map((runner) => ({
        name: runner.name,
        env: runner.env,
        ...(runner.pid === undefined ? {} : { pid: runner.pid }),
      })),
    }
  }

  /** The last word: the object may go. Retried until it is gone or is no longer this pod. */
  async #deleteObject(): Promise<void> {
    const { client, clock, logger } = this.#context
    const { namespace = 'default', name } = this.#pod.metadata
    for (let failures = 1; !this.#life.signal.aborted; failures += 1) {
      try {
        await client.delete(PODS, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid: this.uid } })
        return
      } catch (error) {
        if (hasCode(error, 'SBX_API_NOT_FOUND') || hasCode(error, 'SBX_API_CONFLICT')) return
        logger.warn('pod object not deleted', { pod: this.#name, failures, error: messageOf(error) })
        await within(clock, backoffDelay(failures, SANDBOX_BACKOFF), new Promise(() => undefined))
      }
    }
  }

  /** Ends what runs here without a word to the API server: the node is going down. */
  async abandon(): Promise<void> {
    this.#life.abort(new Error('the node is shutting down'))
    this.stop(0)
    await this.#containers?.stop(0)
  }

  get #logFolder(): string {
    return join(this.#context.runtimeDir, 'pod-logs', this.uid)
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.events(this.#pod, { type, reason, message })
  }
}

function isOver(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}
