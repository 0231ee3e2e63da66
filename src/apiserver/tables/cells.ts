/** Texts that tables of several kinds share; the forms are those kubectl users know (printers.go, util/duration). */
import { joinHostPort } from '#lib'
import type { EndpointSubset } from '#api'

export const NONE = '<none>'
export const PENDING = '<pending>'
export const UNKNOWN = '<unknown>'
export const UNSET = '<unset>'

const SHOWN = 3

/** `95s`, `3m20s`, `2h5m`, `3d4h`: two units while the number is small, one afterwards. */
export function shortDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return pair(minutes, 'm', `${seconds % 60}s`)
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return pair(hours, 'h', `${minutes % 60}m`)
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (hours < 24 * 8) return pair(days, 'd', `${hours % 24}h`)
  if (days < 365 * 2) return `${days}d`
  const years = Math.trunc(days / 365)
  return days < 365 * 8 ? pair(years, 'y', `${days % 365}d`) : `${years}y`
}

/** Age of a timestamp; `<unknown>` without one. */
export function ageSince(timestamp: string | null | undefined, now: number): string {
  const then = timestamp === undefined || timestamp === null ? Number.NaN : Date.parse(timestamp)
  return Number.isNaN(then) ? UNKNOWN : shortDuration(now - then)
}

/** First three items; more are counted. */
export function shortList(items: readonly string[], empty: string): string {
  if (items.length === 0) return empty
  const shown = items.slice(0, SHOWN).join(',')
  return items.length > SHOWN ? `${shown} + ${items.length - SHOWN} more...` : shown
}

export function joinedOrNone(items: readonly string[]): string {
  return items.length === 0 ? NONE : items.join(',')
}

/** `a=1,b=2` in key order, as label selectors are printed. */
export function labelText(labels: Readonly<Record<string, string>> | undefined): string {
  return joinedOrNone(
    Object.entries(labels ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`),
  )
}

export function subsetEndpoints(subsets: readonly EndpointSubset[] | null | undefined): readonly string[] {
  return (subsets ?? []).flatMap(({ addresses, ports }) => {
    const ips = (addresses ?? []).map(({ ip }) => ip)
    if (ports === undefined || ports.length === 0) return ips
    return ports.flatMap(({ port }) => ips.map((ip) => joinHostPort(ip, port ?? 0)))
  })
}

function pair(count: number, unit: string, rest: string): string {
  return rest.startsWith('0') ? `${count}${unit}` : `${count}${unit}${rest}`
}
