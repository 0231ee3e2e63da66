/**
 * The box's role processes: each `signalbox ROLE …` in the network namespace it belongs to, started again with backoff
 * when it ends on its own. Their output goes to one log file each.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

import type { Clock, Logger } from '#lib'
import { backoffDelay } from '#lib'

export type RoleProcess = {
  /** Unique in the box: `proxy@node-1`. */
  readonly name: string
  /** Name under /run/netns. */
  readonly netns: string
  /** Arguments of the signalbox command line. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export type RoleProcesses = {
  start(role: RoleProcess): void
  readonly names: readonly string[]
  /** SIGTERM to all, SIGKILL after `milliseconds`; resolves when all have ended. */
  stop(milliseconds: number): Promise<void>
}

export type RoleOptions = {
  readonly logDir: string
  readonly selfCommand: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
}

/** A role that lived this long (milliseconds) was fine; its next failure counts as the first. */
const HEALTHY_AFTER = 10_000

export function createRoleProcesses(options: RoleOptions): RoleProcesses {
  const { clock, logger } = options
  const running = new Map<string, ChildProcess>()
  const names: string[] = []
  let stopping = false

  const launch = (role: RoleProcess, failures: number): void => {
    const log = openSync(join(options.logDir, `${role.name}.log`), 'a', 0o600)
    const child = spawn('nsenter', [`--net=/run/netns/${role.netns}`, '--', ...options.selfCommand, ...role.args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...role.env },
    })
    closeSync(log)
    running.set(role.name, child)
    const startedAt = clock.monotonic()
    let ended = false
    const end = (facts: Record<string, unknown>): void => {
      if (ended) return
      ended = true
      running.delete(role.name)
      if (stopping) return
      const count = clock.monotonic() - startedAt > HEALTHY_AFTER ? 1 : failures + 1
      const delay = backoffDelay(count, { base: 200, max: 10_000 })
      logger.warn('role ended, starting it again', { role: role.name, ...facts, delaySeconds: delay / 1000 })
      clock.after(delay, () => {
        if (!stopping) launch(role, count)
      })
    }
    child.on('error', (error) => end({ error }))
    child.on('exit', (status, signal) => end({ status, signal }))
  }

  return {
    names,
    start: (role) => {
      names.push(role.name)
      launch(role, 0)
    },
    stop: async (milliseconds) => {
      stopping = true
      const all = [...running.values()]
      const gone = Promise.all(
        all.map(
          (child) =>
            new Promise<void>((resolve) => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve())),
        ),
      )
      for (const child of all) child.kill('SIGTERM')
      const late = clock.after(milliseconds, () => {
        for (const child of running.values()) child.kill('SIGKILL')
      })
      await gone
      late()
    },
  }
}
