/**
 * Timestamps as Kubernetes prints them: RFC 3339 in UTC, whole seconds for Time, six digits for MicroTime, whatever
 * offset or precision came in. Go's parser is stricter than JavaScript's, so the form is checked first.
 */
const RFC3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/

/** What is wrong: the type, or a text. */
type Refuse = (what: string) => Error

export function readTime(value: unknown, refuse: Refuse): string {
  const [seconds] = parse(value, refuse)
  return seconds.replace(/\.\d+Z$/, 'Z')
}

export function readMicroTime(value: unknown, refuse: Refuse): string {
  const [seconds, fraction] = parse(value, refuse)
  return seconds.replace(/\.\d+Z$/, `.${fraction.slice(0, 6).padEnd(6, '0')}Z`)
}

/** From the protobuf form; undefined for the zero time, which is "absent". */
export function timeFromParts(seconds: number, nanos: number, micro: boolean): string | undefined {
  if (seconds === 0 && nanos === 0) return undefined
  const date = new Date(seconds * 1000)
  // Go's zero time.Time lies outside the range too, and means absent as well.
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) return undefined
  const text = date.toISOString()
  const digits = String(Math.trunc(Math.max(0, nanos) / 1000)).padStart(6, '0')
  return text.replace(/\.\d+Z$/, micro ? `.${digits}Z` : 'Z')
}

function parse(value: unknown, refuse: Refuse): readonly [string, string] {
  if (typeof value !== 'string') throw refuse('type')
  const match = RFC3339.exec(value)
  const time = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}${match[4]}`)
  if (match === null || Number.isNaN(time)) {
    const quoted = JSON.stringify(JSON.stringify(value))
    throw refuse(
      `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as a time`,
    )
  }
  return [new Date(time).toISOString(), (match[3] ?? '.').slice(1)]
}
