/** Replies as bytes, bounded in number by kind and in bytes by all: the oldest of its kind makes room. */
import type { RecordPlace } from '../wire/index.ts'
import type { CacheConfig } from './cache-config.ts'

export type StoredMessage = {
  readonly kind: 'success' | 'denial'
  readonly packet: Buffer
  readonly places: readonly RecordPlace[]
  /** Monotonic milliseconds. */
  readonly storedAt: number
  readonly expiresAt: number
  /** For prefetching. */
  hits: number
  lastHitAt: number
}

export interface MessageStore {
  get(key: string): StoredMessage | undefined
  set(key: string, message: StoredMessage): void
  sizes(): { readonly success: number; readonly denial: number; readonly bytes: number }
}

export function createMessageStore(config: CacheConfig, onEvicted: (kind: 'success' | 'denial') => void): MessageStore {
  const kinds = { success: new Map<string, StoredMessage>(), denial: new Map<string, StoredMessage>() }
  let bytes = 0

  const remove = (kind: 'success' | 'denial', key: string): void => {
    const gone = kinds[kind].get(key)
    if (gone === undefined) return
    kinds[kind].delete(key)
    bytes -= gone.packet.length
  }
  const evict = (kind: 'success' | 'denial'): void => {
    for (const oldest of kinds[kind].keys()) {
      remove(kind, oldest)
      onEvicted(kind)
      return
    }
  }

  return {
    get: (key) => kinds.success.get(key) ?? kinds.denial.get(key),
    set: (key, message) => {
      const { kind, packet } = message
      remove('success', key)
      remove('denial', key)
      if (packet.length > config.maxBytes || config[kind].entries === 0) return
      while (kinds[kind].size >= config[kind].entries) evict(kind)
      while (bytes + packet.length > config.maxBytes) evict(kinds.success.size > 0 ? 'success' : 'denial')
      kinds[kind].set(key, message)
      bytes += packet.length
    },
    sizes: () => ({ success: kinds.success.size, denial: kinds.denial.size, bytes }),
  }
}
