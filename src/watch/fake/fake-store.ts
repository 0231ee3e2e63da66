/** Objects of the fake API with one revision counter and a history to watch: the part that knows no verbs. */
import type { KubeObject, ResourceInfo, WatchEvent } from '#api'
import { objectKey } from '#api'
import { SignalboxError } from '#lib'
import type { WatchOptions } from '../api-client.ts'
import { matchesFields, matchesLabels } from './match-selector.ts'

type Change = {
  readonly revision: number
  readonly resource: ResourceInfo
  readonly before: KubeObject | undefined
  readonly after: KubeObject | undefined
}

export type Selection = Pick<WatchOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>

/** Clients may describe a resource in objects of their own. */
function nameOf({ group, resource }: ResourceInfo): string {
  return `${group}/${resource}`
}

export class FakeStore {
  revision = 1
  #compacted = 0
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  #history: Change[] = []
  #wake = new Set<() => void>()
  #generation = 0

  get(resource: ResourceInfo, key: string): KubeObject | undefined {
    return this.#objects.get(nameOf(resource))?.get(key)
  }

  select(resource: ResourceInfo, selection: Selection): KubeObject[] {
    const all = [...(this.#objects.get(nameOf(resource))?.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return all.map(([, object]) => object).filter((object) => selects(selection, object))
  }

  /** Stores `after` (undefined: deletes) under the next revision and returns it as stored. */
  commit(resource: ResourceInfo, before: KubeObject | undefined, after: KubeObject | undefined): KubeObject {
    this.revision += 1
    const base = after ?? before
    if (base === undefined) throw new Error('a change of nothing')
    const stored = { ...base, metadata: { ...base.metadata, resourceVersion: String(this.revision) } }
    const objects = this.#objects.get(nameOf(resource)) ?? new Map<string, KubeObject>()
    this.#objects.set(nameOf(resource), objects)
    if (after === undefined) objects.delete(objectKey(base))
    else objects.set(objectKey(stored), stored)
    this.#history.push({ revision: this.revision, resource, before, after: after === undefined ? undefined : stored })
    this.#rouse()
    return stored
  }

  /** Forgets the history: a watch from before now is answered with 410. */
  compact(): void {
    this.#compacted = this.revision
    this.#history = []
  }

  /** Ends all watches, as a server that restarts. */
  dropWatches(): void {
    this.#generation += 1
    this.#rouse()
  }

  async *watch(
    resource: ResourceInfo,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<KubeObject>, void, undefined> {
    let position = Number(options.resourceVersion ?? this.revision)
    const generation = this.#generation
    while (!signal.aborted && generation === this.#generation) {
      if (position < this.#compacted) {
        const message = `too old resource version: ${position} (${this.#compacted})`
        throw new SignalboxError('SBX_API_EXPIRED', message, { facts: { status: 410 } })
      }
      const news = this.#history.filter((change) => change.revision > position)
      for (const change of news) {
        position = change.revision
        const event = nameOf(change.resource) === nameOf(resource) ? eventOf(change, options) : undefined
        if (event !== undefined) yield event
        if (signal.aborted || generation !== this.#generation) return
      }
      if (news.length === 0) await this.#news(signal)
    }
  }

  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wake.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  #rouse(): void {
    for (const wake of this.#wake) wake()
  }
}

/** A selector that starts or stops to match turns a change into ADDED or DELETED (api-server.md 7.2). */
function eventOf(change: Change, selection: Selection): WatchEvent<KubeObject> | undefined {
  const { before, after } = change
  const was = before !== undefined && selects(selection, before)
  const is = after !== undefined && selects(selection, after)
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after }
  if (!was) return undefined
  const metadata = { ...before.metadata, resourceVersion: String(change.revision) }
  return { type: 'DELETED', object: { ...before, metadata } }
}

function selects(selection: Selection, object: KubeObject): boolean {
  return (
    (selection.namespace === undefined || selection.namespace === object.metadata.namespace) &&
    matchesLabels(object, selection.labelSelector) &&
    matchesFields(object, selection.fieldSelector)
  )
}
