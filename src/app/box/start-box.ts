/**
 * The outside of a box: starts the sandbox, waits until its first process says that everything serves, opens the relays on
 * loopback, and writes down where all of it is.
 */
import type { Readable } from 'node:stream'

import type { Sandbox } from '#lab'
import { probeSandbox, startSandbox } from '#lab'
import type { Clock, Logger } from '#lib'
import { SignalboxError } from '#lib'
import type { ApiClient } from '#watch'
import { writeKubeconfig } from '#watch'

import type { Progress } from '../progress.ts'
import { selfCommand } from '../self-command.ts'
import type { BoxRecord, RelayRecord } from './box-record.ts'
import { forgetBox, identityOf, readBox, writeBox } from './box-record.ts'
import { stateLayout } from './box-layout.ts'
import type { BoxConfig, BoxInfo, FromInit } from './messages.ts'
import { BOX_CONFIG_VARIABLE } from './messages.ts'
import { openRelays } from './open-relays.ts'

export type StartBoxOptions = {
  readonly config: BoxConfig
  readonly progress: Progress
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  /** Where the sandbox's own log lines go; kept for the error message if not given. */
  readonly stderr?: 'inherit'
}

export type RunningBox = {
  readonly record: BoxRecord
  /** As administrator, through the relay. */
  readonly client: ApiClient
  /** Resolves when the sandbox has ended, for whatever reason. */
  readonly ended: Promise<unknown>
  stop(): Promise<void>
}

/** @throws SBX_BOX_RUNNING, SBX_CAPABILITY_SANDBOX or SBX_BOX_FAILED */
export async function startBox(options: StartBoxOptions): Promise<RunningBox> {
  const { config, clock, logger, progress, signal } = options
  if (config.stateDir !== undefined && readBox(config.stateDir) !== undefined) {
    throw new SignalboxError(
      'SBX_BOX_RUNNING',
      `a box is already running in ${config.stateDir}; end it with: signalbox down`,
    )
  }
  progress.step('making the sandbox')
  const sandbox = await makeSandbox(options)
  const stop = async (): Promise<void> => {
    await sandbox.kill()
  }
  const onAbort = (): void => void stop()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    const info = await waitUntilReady(sandbox, options)
    progress.step('opening relays on 127.0.0.1')
    const relays = await openRelays({ sandbox, info, config, clock, logger })
    const record = recordOf(sandbox, { info, config, relays: relays.list() })
    if (config.stateDir !== undefined) {
      const { kubeconfig } = stateLayout(config.stateDir)
      writeKubeconfig(kubeconfig, { name: 'signalbox', server: relays.server, ca: info.ca, token: info.adminToken })
      writeBox(record)
      relays.onChange((list) => writeBox(recordOf(sandbox, { info, config, relays: list })))
    }
    progress.done()
    return {
      record,
      client: relays.client,
      ended: sandbox.exited,
      stop: async () => {
        await relays.close()
        await stop()
        if (config.stateDir !== undefined) forgetBox(config.stateDir)
      },
    }
  } catch (error) {
    progress.fail()
    await stop()
    logger.debug('the box did not come up', { error })
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** bash as process 1 reaps whatever the box's own processes orphan; Node.js would leave zombies. */
const REAPER = ['bash', '-c', '"$@" & wait "$!"', 'signalbox-init'] as const

async function makeSandbox(options: StartBoxOptions): Promise<Sandbox> {
  const { config } = options
  try {
    return await startSandbox({
      command: [...REAPER, ...selfCommand(), 'box-init'],
      env: { [BOX_CONFIG_VARIABLE]: JSON.stringify(config) },
      stdio: ['ignore', 'ignore', options.stderr ?? 'pipe'],
      clock: options.clock,
      ...(config.stateDir === undefined ? {} : { keep: [config.stateDir] }),
    })
  } catch (cause) {
    const [lack] = await probeSandbox()
    if (lack === undefined) throw cause
    throw new SignalboxError('SBX_CAPABILITY_SANDBOX', `${lack.name}: ${lack.detail}; remedy: ${lack.remedy}`, {
      cause,
    })
  }
}

function waitUntilReady(sandbox: Sandbox, options: StartBoxOptions): Promise<BoxInfo> {
  const lastLines = keepLastLines(sandbox.child.stderr)
  return new Promise((resolve, reject) => {
    sandbox.child.on('message', (message) => {
      const told = message as FromInit
      if (told.type === 'progress') options.progress.step(told.text)
      else if (told.type === 'ready') resolve(told.info)
      else reject(new SignalboxError('SBX_BOX_FAILED', told.message))
    })
    void sandbox.exited.then(({ code, signal }) => {
      if (options.signal.aborted) reject(options.signal.reason as Error)
      const how = signal ?? `status ${code}`
      reject(new SignalboxError('SBX_BOX_FAILED', `the box ended while starting (${how})${lastLines()}`))
    }, reject)
  })
}

function keepLastLines(stream: Readable | null): () => string {
  let text = ''
  stream?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('utf8')).slice(-2000)
  })
  return () => (text.trim() === '' ? '' : `: ${text.trim().split('\n').slice(-5).join(' | ')}`)
}

type RecordInput = { readonly info: BoxInfo; readonly relays: readonly RelayRecord[]; readonly config: BoxConfig }

function recordOf(sandbox: Sandbox, { info, relays, config }: RecordInput): BoxRecord {
  return {
    version: 1,
    mode: info.mode,
    stateDir: config.stateDir ?? '',
    ...(config.stateDir === undefined ? {} : { kubeconfig: stateLayout(config.stateDir).kubeconfig }),
    supervisor: identityOf(process.pid),
    init: identityOf(sandbox.hostPid),
    nodes: info.nodes,
    outside: info.outside,
    relays,
  }
}
