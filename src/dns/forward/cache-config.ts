/** What is remembered of upstreams' replies, and how long. The defaults are those of CoreDNS's plugin/cache. */
import type { Name } from '../wire/index.ts'

export type CacheConfig = {
  readonly success: CacheBounds
  /** NXDOMAIN and NODATA (RFC 2308). */
  readonly denial: CacheBounds
  /** SERVFAIL, seconds; RFC 2308 7.1 allows at most five minutes. */
  readonly servfailTtl: number
  readonly prefetch?: {
    /** Asked this often, with no gap longer than `withinSeconds`… */
    readonly amount: number
    readonly withinSeconds: number
    /** … and this share of its time or less left: it is fetched again before it expires. */
    readonly percentage: number
  }
  /** RFC 8767: how long after its time an entry may still be served. `verify`: only when the upstreams fail. */
  readonly serveStale?: { readonly seconds: number; readonly verify: boolean }
  /** Zones of which nothing of a kind is kept. */
  readonly disabled?: { readonly success: readonly Name[]; readonly denial: readonly Name[] }
  /** Most bytes of both kinds together. */
  readonly maxBytes: number
}

export type CacheBounds = { readonly entries: number; readonly minTtl: number; readonly maxTtl: number }

export const DEFAULT_CACHE_CONFIG: CacheConfig = {
  success: { entries: 9984, minTtl: 5, maxTtl: 3600 },
  denial: { entries: 9984, minTtl: 5, maxTtl: 1800 },
  servfailTtl: 5,
  maxBytes: 32 * 1024 * 1024,
}
