/**
 * The one implementation of the Logger interface: pino, one JSON line a message on stderr, or aligned text when stderr
 * is a terminal. `SIGNALBOX_LOG` chooses the level (error, warn, info, debug, trace; info if not set).
 */
import { Writable } from 'node:stream'

import { pino } from 'pino'

import type { LogFields, Logger } from '#lib'
import { messageOf } from '#lib'

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const

export function createLogger(component: string, env: NodeJS.ProcessEnv = process.env): Logger {
  const wanted = env['SIGNALBOX_LOG'] ?? 'info'
  const level = LEVELS.find((name) => name === wanted) ?? 'info'
  const destination = process.stderr.isTTY ? columns() : pino.destination({ fd: 2, sync: true })
  const root = pino({ level, base: { component }, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const at =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields: LogFields = {}): void =>
      root[name](plain(fields), message)
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), trace: at('trace') }
}

/** Errors print as their message: a stack belongs into a crash, not into a log line. */
function plain(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? messageOf(value) : value]),
  )
}

function columns(): Writable {
  const names: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' }
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const { level, time, component, msg, ...rest } = JSON.parse(chunk.toString()) as Record<string, unknown>
      const facts = Object.entries(rest)
        .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(' ')
      const clock = String(time).slice(11, 23)
      process.stderr.write(
        `${clock} ${names[Number(level)] ?? ''} ${String(component)}: ${String(msg)} ${facts}\n`,
        () => done(),
      )
    },
  })
}
