/**
 * What a stage may say. Passed in, never imported as a global; the implementation (pino) is chosen in `app`.
 *
 * Messages are constant, lower case and without interpolation; facts go into `fields` (lowerCamelCase, objects as
 * `namespace/name`, durations in seconds).
 */
export type LogFields = Readonly<Record<string, unknown>>

export interface Logger {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  trace(message: string, fields?: LogFields): void
}

const nothing = (): void => undefined

export const silentLogger: Logger = { error: nothing, warn: nothing, info: nothing, debug: nothing, trace: nothing }
