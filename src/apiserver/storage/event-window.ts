/**
 * The recent history of one resource: what a watch can resume from, and what an older state can be rebuilt from.
 *
 * Keeps at least `minEvents` and everything younger than `minAge`, until a byte cap. Whatever leaves raises `floor`: a
 * reader at or above the floor misses nothing, a reader below it must be told 410 (api-server.md 7.2, 16.3).
 */
import type { StoreEvent } from './stored-object.ts'

export type WindowLimits = {
  readonly minEvents: number
  /** Milliseconds. */
  readonly minAge: number
  readonly maxBytes: number
}

/** kube-apiserver keeps 75 s and at least 100 events; 64 MiB bounds what one busy resource may cost. */
export const DEFAULT_WINDOW: WindowLimits = { minEvents: 1000, minAge: 75_000, maxBytes: 64 * 1024 * 1024 }

type Entry = { readonly event: StoreEvent; readonly at: number; readonly bytes: number }

export class EventWindow {
  readonly #limits: WindowLimits
  #entries: Entry[] = []
  /** Entries before this index are gone; the array is compacted when they are half of it. */
  #start = 0
  #bytes = 0
  #floor: number

  constructor(limits: WindowLimits, floor: number) {
    this.#limits = limits
    this.#floor = floor
  }

  /** Every event with a revision above this one is here. */
  get floor(): number {
    return this.#floor
  }

  get length(): number {
    return this.#entries.length - this.#start
  }

  /** `at` is monotonic milliseconds. */
  push(event: StoreEvent, at: number): void {
    const bytes = event.current.json.length + (event.previous?.json.length ?? 0)
    this.#entries.push({ event, at, bytes })
    this.#bytes += bytes
    for (;;) {
      const oldest = this.#entries[this.#start]
      if (oldest === undefined || this.length <= 1) break
      const needed = this.length <= this.#limits.minEvents || at - oldest.at < this.#limits.minAge
      if (needed && this.#bytes <= this.#limits.maxBytes) break
      this.#floor = oldest.event.revision
      this.#bytes -= oldest.bytes
      this.#start += 1
    }
    if (this.#start > 1024 && this.#start * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start)
      this.#start = 0
    }
  }

  /** Events after `revision`, oldest first; undefined if some of them are gone. */
  after(revision: number): StoreEvent[] | undefined {
    if (revision < this.#floor) return undefined
    let low = this.#start
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle] as Entry).event.revision <= revision) low = middle + 1
      else high = middle
    }
    return this.#entries.slice(low).map((entry) => entry.event)
  }
}
