/** The query of `kubectl logs` (PodLogOptions) answered from a container's log. Pure selection, then a stream. */
import type { Writable } from 'node:stream'

import type { ContainerLog, LogEntry } from './container-log.ts'

export type LogQuery = {
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly tailLines?: number
  readonly limitBytes?: number
  /** Milliseconds since the Unix epoch; from `sinceTime` or `sinceSeconds`. */
  readonly since?: number
}

/** A follower that reads slower than the container writes is cut off here, or it would fill this process's memory. */
const BACKLOG_LIMIT = 8 * 1_048_576

export function parseLogQuery(query: URLSearchParams, now: number): LogQuery | { readonly problem: string } {
  const numbers = Object.fromEntries(
    ['tailLines', 'limitBytes', 'sinceSeconds'].map((name) => [
      name,
      query.has(name) ? Number(query.get(name)) : undefined,
    ]),
  )
  for (const [name, value] of Object.entries(numbers)) {
    if (value !== undefined && (!Number.isInteger(value) || value < 0))
      return { problem: `${name} must not be negative` }
  }
  const { tailLines, limitBytes, sinceSeconds } = numbers
  const sinceTime = query.get('sinceTime')
  const since =
    sinceTime === null ? (sinceSeconds === undefined ? undefined : now - sinceSeconds * 1000) : Date.parse(sinceTime)
  if (Number.isNaN(since)) return { problem: 'sinceTime is no time' }
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { since }),
  }
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1'
}

/** Lines, not entries, are counted: a long line's parts belong together. */
export function selectEntries(entries: readonly LogEntry[], query: LogQuery): readonly LogEntry[] {
  const { since, tailLines } = query
  const recent = since === undefined ? entries : entries.filter((entry) => Date.parse(entry.time) >= since)
  if (tailLines === undefined) return recent
  let start = recent.length
  for (let lines = 0; start > 0; start -= 1) {
    if (recent[start - 1]?.tag === 'F') lines += 1
    if (lines > tailLines) break
  }
  return recent.slice(start)
}

/** Ends `out` when everything asked for is written, or the container has ended. */
export function serveLog(log: ContainerLog, query: LogQuery, out: Writable): void {
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY
  let startOfLine = true
  const write = (entry: LogEntry): void => {
    const time = query.timestamps && startOfLine ? `${entry.time} ` : ''
    startOfLine = entry.tag === 'F'
    const bytes = Buffer.from(`${time}${entry.text}${entry.tag === 'F' ? '\n' : ''}`)
    out.write(bytes.length <= left ? bytes : bytes.subarray(0, left))
    left -= Math.min(left, bytes.length)
  }
  for (const entry of selectEntries(log.read(), query)) {
    write(entry)
    if (left === 0) break
  }
  if (!query.follow || left === 0) {
    out.end()
    return
  }
  const stop = log.follow((entry) => {
    if (entry !== undefined) write(entry)
    if (entry === undefined || left === 0) out.end()
    else if (out.writableLength > BACKLOG_LIMIT) out.destroy()
  })
  out.once('close', stop)
}
