/**
 * A box whose supervisor outlives the command that asked for it: the same `signalbox up`, in a session of its own, its
 * output in the state folder's log file. Returns when it says that it is up.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

import { SignalboxError, systemClock } from '#lib'
import type { ApiClient } from '#watch'
import { connectApi, loadKubeconfig } from '#watch'

import type { Progress } from '../progress.ts'
import { selfCommand } from '../self-command.ts'
import type { BoxRecord } from './box-record.ts'
import { readBox } from './box-record.ts'
import { stateLayout } from './box-layout.ts'

export type DetachedOptions = {
  readonly stateDir: string
  readonly mode: string
  readonly nodes: number
  readonly progress: Progress
}

/** @throws SBX_BOX_RUNNING or SBX_BOX_FAILED with the end of the log */
export async function startDetached(options: DetachedOptions): Promise<{ record: BoxRecord; client: ApiClient }> {
  const { stateDir, progress } = options
  if (readBox(stateDir) !== undefined) {
    throw new SignalboxError('SBX_BOX_RUNNING', `a box is already running in ${stateDir}; end it with: signalbox down`)
  }
  progress.step('starting a box in the background')
  const logPath = stateLayout(stateDir).log
  const log = openSync(logPath, 'w', 0o600)
  const [file = '', ...args] = selfCommand()
  const child = spawn(
    file,
    [...args, 'up', '--mode', options.mode, '--nodes', String(options.nodes), '--state-dir', stateDir],
    {
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    },
  )
  closeSync(log)
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once('message', () => resolve(undefined))
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (status, signal) => resolve(`it ended with ${signal ?? `status ${status}`}`))
  })
  if (failure !== undefined) {
    progress.fail()
    throw new SignalboxError('SBX_BOX_FAILED', `the box did not come up: ${failure}; ${lastLines(logPath)}`)
  }
  child.removeAllListeners()
  child.disconnect()
  child.unref()
  progress.done()
  const record = readBox(stateDir)
  if (record?.kubeconfig === undefined)
    throw new SignalboxError('SBX_BOX_FAILED', `the box in ${stateDir} ended at once`)
  const client = connectApi(loadKubeconfig({ path: record.kubeconfig }), { clock: systemClock, userAgent: 'signalbox' })
  return { record, client }
}

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trim().split('\n').slice(-3).join(' | ')
}
