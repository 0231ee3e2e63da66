/**
 * The committed objects of one resource in key order, with its event window and its watchers. Only `store.ts` writes.
 *
 * Keys order as etcd orders them: by the text `namespace/name`.
 */
import type { ObjectKey } from '#api'
import { compareText } from '#lib'

import type { WindowLimits } from './event-window.ts'
import { EventWindow } from './event-window.ts'
import type { StoredObject, StoreEvent } from './stored-object.ts'

/** Told all events of one commit at once, after they are on disk. Must not throw. */
export type EventListener = (events: readonly StoreEvent[]) => void

/** What readers see of one. */
export type ObjectTable = Pick<ResourceTable, 'size' | 'get' | 'list' | 'listAt'> & {
  readonly window: Pick<EventWindow, 'floor' | 'after' | 'length'>
}

export class ResourceTable {
  readonly window: EventWindow
  readonly listeners = new Set<EventListener>()
  readonly #objects = new Map<ObjectKey, StoredObject>()
  readonly #keys: ObjectKey[] = []

  constructor(limits: WindowLimits, floor: number) {
    this.window = new EventWindow(limits, floor)
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): StoredObject | undefined {
    return this.#objects.get(key)
  }

  put(stored: StoredObject): void {
    if (!this.#objects.has(stored.key)) this.#keys.splice(this.#positionOf(stored.key), 0, stored.key)
    this.#objects.set(stored.key, stored)
  }

  remove(key: ObjectKey): void {
    if (this.#objects.delete(key)) this.#keys.splice(this.#positionOf(key), 1)
  }

  /** In key order; of one namespace if given. */
  list(namespace?: string): StoredObject[] {
    const keys = namespace === undefined ? this.#keys : this.#keysOf(`${namespace}/`)
    return keys.map((key) => this.#objects.get(key) as StoredObject)
  }

  /** The state right after `revision`: head with everything younger undone. Undefined below the window's floor. */
  listAt(revision: number, namespace?: string): StoredObject[] | undefined {
    const younger = this.window.after(revision)
    if (younger === undefined) return undefined
    const inScope = younger.filter((event) => namespace === undefined || event.current.key.startsWith(`${namespace}/`))
    if (inScope.length === 0) return this.list(namespace)
    const state = new Map(this.list(namespace).map((stored) => [stored.key, stored]))
    for (const event of inScope.toReversed()) {
      if (event.previous === undefined) state.delete(event.current.key)
      else state.set(event.current.key, event.previous)
    }
    return [...state.values()].sort((a, b) => compareText(a.key, b.key))
  }

  #keysOf(prefix: string): ObjectKey[] {
    const first = this.#positionOf(prefix)
    let last = first
    while (last < this.#keys.length && (this.#keys[last] as string).startsWith(prefix)) last += 1
    return this.#keys.slice(first, last)
  }

  #positionOf(key: ObjectKey): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareText(this.#keys[middle] as string, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
