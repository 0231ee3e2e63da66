/** `cache [TTL] [ZONES…] { … }` */
import type { CacheBounds, CacheConfig } from '../forward/index.ts'
import { DEFAULT_CACHE_CONFIG } from '../forward/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { duration, refuseOption, whole, zonesOf } from './values.ts'

const MAX_TTL = { from: 0, to: 0x7fffffff }
const CAPACITY = { from: 0, to: 10_000_000 }
const WEEK = 7 * 24 * 3600

export function readCache(directive: Directive): CacheConfig {
  const [ttlText, ...zones] = directive.args
  if (zones.some((zone) => zone !== '.'))
    refuse(directive, 'cache for single zones is not supported: give them a server block of their own')
  let config: CacheConfig = DEFAULT_CACHE_CONFIG
  if (ttlText !== undefined) {
    const maxTtl = whole(ttlText, directive, { from: 1, to: MAX_TTL.to })
    config = { ...config, success: { ...config.success, maxTtl }, denial: { ...config.denial, maxTtl } }
  }
  for (const option of directive.block ?? []) config = { ...config, ...readOption(option, config) }
  return config
}

function readOption(option: Directive, config: CacheConfig): Partial<CacheConfig> {
  const [first, second, third] = option.args
  switch (option.name) {
    case 'success':
    case 'denial':
      return { [option.name]: boundsOf(option, config[option.name]) }
    case 'prefetch':
      return {
        prefetch: {
          amount: whole(first, option, { from: 0, to: 1_000_000 }),
          withinSeconds: second === undefined ? 60 : duration(second, option) / 1000,
          percentage: third === undefined ? 10 : percent(third, option),
        },
      }
    case 'serve_stale': {
      const mode = second ?? 'immediate'
      if (mode !== 'immediate' && mode !== 'verify')
        refuse(option, 'serve_stale takes a duration and immediate or verify')
      const seconds = first === undefined ? 3600 : duration(first, option) / 1000
      return { serveStale: { seconds: Math.min(seconds, WEEK), verify: mode === 'verify' } }
    }
    case 'servfail': {
      const seconds = duration(first, option) / 1000
      // RFC 2308 7.1
      if (seconds > 300) refuse(option, 'servfail is at most 5m')
      return { servfailTtl: seconds }
    }
    case 'disable': {
      if (first !== 'success' && first !== 'denial') refuse(option, 'disable takes success or denial, and zones')
      const zones = option.args.slice(1).flatMap((text) => zonesOf(text, option))
      if (zones.length === 0) return { [first]: { ...config[first], entries: 0 } }
      const before = config.disabled ?? { success: [], denial: [] }
      return { disabled: { ...before, [first]: [...before[first], ...zones] } }
    }
    default:
      return refuseOption(option, 'cache')
  }
}

function boundsOf(option: Directive, before: CacheBounds): CacheBounds {
  const [capacity, ttl, minTtl] = option.args
  return {
    entries: whole(capacity, option, CAPACITY),
    maxTtl: ttl === undefined ? before.maxTtl : whole(ttl, option, MAX_TTL),
    minTtl: minTtl === undefined ? before.minTtl : whole(minTtl, option, MAX_TTL),
  }
}

function percent(text: string, option: Directive): number {
  return whole(text.replace(/%$/, ''), option, { from: 10, to: 90 })
}
