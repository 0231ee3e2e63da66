/** Durations as Go prints and reads them (time.ParseDuration): `30s`, `1h15m`, `250ms`. In seconds. */
const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 }

/** Undefined: not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  const [, sign, rest = ''] = /^([+-]?)(.+)$/.exec(text) ?? []
  const parts = [...rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return undefined
  const seconds = parts.reduce((sum, [, number, unit = 's']) => sum + Number(number) * (UNITS[unit] ?? 0), 0)
  return sign === '-' ? -seconds : seconds
}

export function formatDuration(seconds: number): string {
  if (seconds === 0) return '0s'
  if (seconds < 0) return `-${formatDuration(-seconds)}`
  if (seconds < 1) return `${round(seconds * 1000)}ms`
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : ''
  return `${head}${round(seconds % 60)}s`
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
