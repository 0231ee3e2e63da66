import { resolve } from 'node:path'

import { SignalboxError, systemClock } from '#lib'

import { defaultStateDir, forgetBox, isAlive, readBox } from './box-record.ts'

const PATIENCE = 10_000

/** Ends the box of that state folder; resolves when its sandbox is gone. */
export async function stopBox(given: string | undefined): Promise<{ stopped: boolean; stateDir: string }> {
  const stateDir = resolve(given ?? defaultStateDir())
  const record = readBox(given)
  if (record === undefined) {
    forgetBox(stateDir)
    return { stopped: false, stateDir }
  }
  process.kill(record.supervisor.pid, 'SIGTERM')
  const deadline = systemClock.monotonic() + PATIENCE
  while (isAlive(record.supervisor) || isAlive(record.init)) {
    if (systemClock.monotonic() > deadline) {
      if (!isAlive(record.supervisor)) break
      process.kill(record.supervisor.pid, 'SIGKILL')
      await systemClock.sleep(200)
      if (isAlive(record.init)) {
        throw new SignalboxError('SBX_BOX_FAILED', `the box in ${stateDir} does not end (process ${record.init.pid})`)
      }
      break
    }
    await systemClock.sleep(20)
  }
  forgetBox(stateDir)
  return { stopped: true, stateDir }
}
