/**
 * Exit codes that scripts rely on (design, section 3): 0 done; 1 the answer is "no"; 2 usage; 3 a capability of this
 * machine is missing.
 */
import { CommanderError } from 'commander'

import { hasCode, messageOf, SignalboxError } from '#lib'

export const EXIT = { done: 0, no: 1, usage: 2, missing: 3 } as const

/** Ends the process with the code that the failure calls for, and the failure in one line. */
export function exitWith(error: unknown): never {
  if (error instanceof CommanderError) {
    // Help and version arrive as errors of exit code 0; commander has printed already.
    process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage)
  }
  process.stderr.write(`signalbox: ${messageOf(error)}\n`)
  if (process.env['SIGNALBOX_LOG'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  process.exit(codeOf(error))
}

function codeOf(error: unknown): number {
  if (hasCode(error, 'SBX_CLI_USAGE')) return EXIT.usage
  if (error instanceof SignalboxError && /^SBX_(CAPABILITY|COMMAND_NOT_FOUND)/.test(error.code)) return EXIT.missing
  return EXIT.no
}

export function usage(message: string): SignalboxError {
  return new SignalboxError('SBX_CLI_USAGE', message)
}
