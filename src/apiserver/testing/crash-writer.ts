/**
 * The child process of storage/crash.test.ts: writes, changes and deletes objects as fast as it can and prints a line for each
 * write once it was acknowledged. Ends only by being killed.
 */
import { writeSync } from 'node:fs'

import type { KubeObject } from '#api'
import { systemClock } from '#lib'
import type { Store } from '../storage/index.ts'
import { createStore, openDatabase } from '../storage/index.ts'

/** First word of each line: what was done, or is about to be tried. */
export type WriterVerb = 'open' | 'put' | 'del' | 'try'

export async function writeUntilKilled(path: string): Promise<void> {
  const store = createStore({ database: openDatabase(path), clock: systemClock })
  say('open', '', store.revision)
  await Promise.all(Array.from({ length: 8 }, (_, worker) => write(store, worker)))
}

async function write(store: Store, worker: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const name = `w${worker}-${i % 7}`
    const key = `default/${name}`
    const isDeletion = i % 5 === 4 && store.head('configmaps', key) !== undefined
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { i } }
    // Said before, so that the reader knows which objects an unacknowledged deletion may have taken.
    if (isDeletion) say('try', key, 0)
    const wanted = isDeletion ? undefined : (object as unknown as KubeObject)
    const result = store.stage([{ resource: 'configmaps', key, object: wanted, expect: undefined }])
    if ('conflict' in result) throw new Error('unexpected conflict')
    await result.committed
    say(isDeletion ? 'del' : 'put', key, result.staged[0]?.revision ?? 0)
  }
}

/** One whole line in one system call, so that a kill cannot tear it. */
function say(verb: WriterVerb, key: string, revision: number): void {
  writeSync(1, `${verb} ${key} ${revision}\n`)
}
