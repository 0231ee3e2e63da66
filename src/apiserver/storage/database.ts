/**
 * The durable half of the store: one SQLite file, write-ahead log, synchronous=FULL. When `commit` returns, the batch
 * survives a power cut; when it throws, nothing of it was written.
 *
 * The revision counter is a row of its own, written with every batch, so that it never goes back even when the newest
 * object was deleted. The file is locked for one process: a second server on the same folder would hand out the same
 * revisions.
 */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { hasCode, messageOf, SignalboxError } from '#lib'

export type DatabaseRow = {
  readonly resource: string
  readonly key: string
  readonly revision: number
  readonly json: string
}

export type DatabaseBatch = {
  readonly revision: number
  readonly puts: readonly DatabaseRow[]
  readonly deletes: readonly { readonly resource: string; readonly key: string }[]
}

export interface ObjectDatabase {
  /** The last committed revision; 1 for a new file. */
  readonly revision: number
  rows(): Iterable<DatabaseRow>
  commit(batch: DatabaseBatch): void
  close(): void
}

/** Raised with every change of the tables; newer files are refused rather than guessed at. */
const SCHEMA_VERSION = 1

/**
 * Every so many pages of the log a commit also moves them into the file. A quarter of SQLite's own 1000: that pause, some
 * 100 ms under load, was the whole tail of the watches' latency (bench/apiserver.bench.ts).
 */
const CHECKPOINT_PAGES = 256

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, json TEXT NOT NULL,
    PRIMARY KEY (resource, key)
  ) STRICT, WITHOUT ROWID;
  INSERT OR IGNORE INTO counter VALUES ('revision', 1);
`

/** Opens or creates the file (mode 0600, its folder 0700). Throws SBX_STORE_LOCKED or SBX_STORE_UNREADABLE. */
export function openDatabase(path: string): ObjectDatabase {
  try {
    return open(path)
  } catch (error) {
    if (hasCode(error, 'SBX_STORE_UNREADABLE')) throw error
    const locked = /database is locked/.test(messageOf(error))
    throw new SignalboxError(
      locked ? 'SBX_STORE_LOCKED' : 'SBX_STORE_UNREADABLE',
      locked ? `${path} is in use by another API server` : `${path} cannot be opened: ${messageOf(error)}`,
      { cause: error, facts: { path } },
    )
  }
}

function open(path: string): ObjectDatabase {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  chmodSync(path, 0o600)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'] as number
  if (version > SCHEMA_VERSION) {
    database.close()
    throw new SignalboxError('SBX_STORE_UNREADABLE', `${path} was written by a newer version`, { facts: { path } })
  }
  database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`)

  const put = database.prepare('INSERT OR REPLACE INTO objects (resource, key, revision, json) VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM objects WHERE resource = ? AND key = ?')
  const count = database.prepare("UPDATE counter SET value = ? WHERE name = 'revision'")
  const stored = database.prepare("SELECT value FROM counter WHERE name = 'revision'").get()?.['value'] as number

  return {
    revision: stored,
    rows: () =>
      database
        .prepare('SELECT resource, key, revision, json FROM objects ORDER BY resource, key')
        .iterate() as Iterable<unknown> as Iterable<DatabaseRow>,
    commit: (batch) => {
      database.exec('BEGIN IMMEDIATE')
      try {
        for (const { resource, key } of batch.deletes) remove.run(resource, key)
        for (const row of batch.puts) put.run(row.resource, row.key, row.revision, row.json)
        count.run(batch.revision)
        database.exec('COMMIT')
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    },
    close: () => database.close(),
  }
}
