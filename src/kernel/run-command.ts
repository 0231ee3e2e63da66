/** The only place that starts a program and waits for it: no shell, bounded output, bounded time. */
import { spawn } from 'node:child_process'

import { SignalboxError } from '#lib'

export type CommandOptions = {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds; the child is killed after that. 30 000 if not given. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** Bytes of stdout kept at the most; more is a failure. 256 MiB if not given. */
  readonly maxOutput?: number
}

export type CommandResult = { readonly status: number; readonly stdout: string; readonly stderr: string }

/**
 * Resolves with whatever status the program ended with.
 *
 * @throws SBX_COMMAND_NOT_FOUND if there is no such program, SBX_COMMAND_KILLED if it was ended by a signal, timed out or
 *   printed too much.
 */
export function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const maxOutput = options.maxOutput ?? 256 * 1024 * 1024
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: options.env === undefined ? process.env : { ...process.env, ...options.env },
      timeout: options.timeout ?? 30_000,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let size = 0
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutput) child.kill('SIGKILL')
      else out.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (err.length < 1024) err.push(chunk)
    })
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'ENOENT' ? 'SBX_COMMAND_NOT_FOUND' : 'SBX_COMMAND_KILLED'
      reject(new SignalboxError(code, `cannot run ${file}: ${cause.message}`, { cause, facts: { file } }))
    })
    child.on('close', (status, signal) => {
      if (status === null) {
        reject(
          new SignalboxError('SBX_COMMAND_KILLED', `${file} was ended by ${signal ?? 'a signal'}`, { facts: { file } }),
        )
        return
      }
      resolve({ status, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') })
    })
    // A program that exits before it has read everything closes the pipe; its status tells why.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Like `runCommand`, but a non-zero status is a failure (SBX_COMMAND_FAILED with the first line of stderr). */
export async function mustRun(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(file, args, options)
  if (result.status !== 0) {
    const line = result.stderr.trim().split('\n', 1)[0] ?? ''
    throw new SignalboxError('SBX_COMMAND_FAILED', `${file} ${args.slice(0, 4).join(' ')}: ${line}`, {
      facts: { file, status: result.status, stderr: result.stderr.slice(0, 2000) },
    })
  }
  return result.stdout
}
