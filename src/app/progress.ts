/** What a long command says while it works: one line a step on stderr, redrawn in place when that is a terminal. */
import type { Clock } from '#lib'

export interface Progress {
  /** Ends the step before and names the next. */
  step(text: string): void
  /** Ends the last step. */
  done(): void
  /** Ends the running step as failed. */
  fail(): void
}

export type ProgressOutput = { readonly isTTY?: boolean; write(text: string): unknown }

export function createProgress(output: ProgressOutput, clock: Clock): Progress {
  const live = output.isTTY === true
  let current: { text: string; since: number } | undefined

  const end = (sign: string): void => {
    if (current === undefined) return
    const seconds = ((clock.monotonic() - current.since) / 1000).toFixed(1)
    if (live) output.write(`\r\x1b[K${sign} ${current.text} (${seconds} s)\n`)
    else if (sign !== '✓') output.write(`failed: ${current.text} (after ${seconds} s)\n`)
    current = undefined
  }

  return {
    step: (text) => {
      end('✓')
      current = { text, since: clock.monotonic() }
      output.write(live ? `· ${text} …` : `${text}\n`)
    },
    done: () => end('✓'),
    fail: () => end('✗'),
  }
}

export const silentProgress: Progress = { step: () => undefined, done: () => undefined, fail: () => undefined }
