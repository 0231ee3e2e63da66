/**
 * kill -9 while clients write over HTTP: what was acknowledged is there after the restart, no revision is given twice, a
 * watch resumes or is told to list again, and no two Services hold one address.
 */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

import type { KubeObject, Service } from '#api'

const ROUNDS = Number(process.env['SIGNALBOX_CRASH_ROUNDS'] ?? 100)
/** State folders that are tried side by side. */
const LANES = 2
const WRITERS = 6
const TOKEN = 'crash-token-0123456789'
const folder = mkdtempSync(join(tmpdir(), 'signalbox-crash-'))
const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const tokensFile = join(folder, 'tokens.json')
writeFileSync(tokensFile, JSON.stringify([{ token: TOKEN, user: 'admin', groups: ['system:masters'] }]), {
  mode: 0o600,
})

type Reply = { readonly code: number; readonly object: KubeObject & { readonly items?: readonly KubeObject[] } }
type Running = {
  readonly child: ChildProcess
  /** Undefined: the connection broke, whatever became of the request. */
  call(method: string, path: string, body?: object): Promise<Reply | undefined>
  readonly ended: Promise<unknown>
}

async function start(stateDir: string): Promise<Running> {
  const script = fileURLToPath(new URL('crash-server.ts', import.meta.url))
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning']
  const child = spawn(process.execPath, [...flags, script, stateDir, tokensFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: join(folder, 'compiled') },
  })
  children.add(child)
  const ended = new Promise((resolve) => child.on('close', resolve))
  void ended.then(() => children.delete(child))
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text)
    })
    child.on('close', () => reject(new Error('the server ended before it served')))
  })
  const { port, ca } = JSON.parse(line) as { port: number; ca: string }
  const agent = new Agent({ keepAlive: true, maxSockets: WRITERS, ca })
  void ended.then(() => agent.destroy())
  return { child, ended, call: (method, path, body) => call({ agent, port, method, path }, body) }
}

function call(
  to: { readonly agent: Agent; readonly port: number; readonly method: string; readonly path: string },
  body: object | undefined,
): Promise<Reply | undefined> {
  return new Promise((resolve) => {
    const type = to.method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const headers = { Authorization: `Bearer ${TOKEN}`, 'Content-Type': type }
    const outgoing = httpsRequest({ host: '127.0.0.1', ...to, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.on('error', () => resolve(undefined))
      response.on('close', () => {
        if (!response.complete) resolve(undefined)
        else resolve({ code: response.statusCode ?? 0, object: JSON.parse(text) as Reply['object'] })
      })
    })
    outgoing.on('error', () => resolve(undefined))
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** What the clients of one folder were told, over all its rounds. */
class Ledger {
  /** By path: the newest revision that was acknowledged, and whether that was a deletion. */
  readonly acknowledged = new Map<string, { readonly revision: number; readonly deleted: boolean }>()
  /** Paths with a deletion under way whose answer never came. */
  readonly undecided = new Set<string>()
  readonly #seen = new Set<number>()
  #left = 0
  #count = 0
  #kill: () => void = () => undefined
  highest = 0

  /** So that no change is one that changes nothing, which has no revision of its own. */
  unique(): string {
    this.#count += 1
    return String(this.#count)
  }

  /** Counted in answers, not in time, so that a slow machine writes as much. */
  killAfter(answers: number, kill: () => void): void {
    this.#left = answers
    this.#kill = kill
  }

  acknowledge(path: string, revision: number, deleted: boolean): void {
    assert.ok(deleted || !this.#seen.has(revision), `revision ${revision} was given twice`)
    if (!deleted) this.#seen.add(revision)
    this.highest = Math.max(this.highest, revision)
    this.#left -= 1
    if (this.#left === 0) this.#kill()
    this.undecided.delete(path)
    const known = this.acknowledged.get(path)
    if (known === undefined || deleted || known.revision < revision) this.acknowledged.set(path, { revision, deleted })
  }
}

const COLLECTIONS = ['configmaps', 'services'].map((resource) => `/api/v1/namespaces/default/${resource}`)

/** Creates, changes and deletes its own few objects until the connection breaks. */
async function write(server: Running, ledger: Ledger, worker: number): Promise<void> {
  const ask = (...request: Parameters<Running['call']>): ReturnType<Running['call']> => server.call(...request)
  for (let i = 0; ; i += 1) {
    const collection = COLLECTIONS[i % 2] as string
    const name = `w${worker}-${i % 7}`
    const path = `${collection}/${name}`
    const isService = collection.endsWith('services')
    const content = isService ? { spec: { ports: [{ port: 80 }] } } : { data: { i: String(i) } }
    const known = ledger.acknowledged.get(path)
    const exists = known !== undefined && !known.deleted
    if (exists && i % 5 === 4) {
      ledger.undecided.add(path)
      const reply = await ask('DELETE', path)
      if (reply === undefined) return
      assert.ok(reply.code === 200 || reply.code === 404, `DELETE ${path}: ${reply.code}`)
      ledger.acknowledge(path, known.revision, true)
      continue
    }
    const reply = exists
      ? await ask('PATCH', path, { metadata: { labels: { n: ledger.unique() } } })
      : await ask('POST', collection, { metadata: { name }, ...content })
    if (reply === undefined) return
    // Written, or deleted, by a request of an earlier round whose answer never came.
    if (reply.code === 409 || reply.code === 404) {
      const found = await ask('GET', path)
      if (found === undefined) return
      const { resourceVersion } = found.object.metadata
      ledger.acknowledged.set(path, {
        revision: Number(resourceVersion ?? known?.revision ?? 0),
        deleted: found.code === 404,
      })
      continue
    }
    assert.ok(reply.code === 200 || reply.code === 201, `${path}: ${reply.code} ${JSON.stringify(reply.object)}`)
    ledger.acknowledge(path, Number(reply.object.metadata.resourceVersion), false)
  }
}

async function check(server: Running, ledger: Ledger): Promise<void> {
  const addresses = new Set<string>()
  const stored = new Map<string, KubeObject>()
  for (const collection of COLLECTIONS) {
    const list = await server.call('GET', collection)
    assert.equal(list?.code, 200)
    const revision = Number(list?.object.metadata.resourceVersion)
    assert.ok(revision >= ledger.highest, `the counter went back: ${revision} < ${ledger.highest}`)
    for (const object of list?.object.items ?? []) {
      stored.set(`${collection}/${object.metadata.name}`, object)
      assert.ok(Number(object.metadata.resourceVersion) <= revision)
      for (const ip of (object as Service).spec?.clusterIPs ?? []) {
        assert.ok(!addresses.has(ip), `${ip} is held twice`)
        addresses.add(ip)
      }
    }
    ledger.highest = Math.max(ledger.highest, revision)
  }
  for (const [path, { revision, deleted }] of ledger.acknowledged) {
    const object = stored.get(path)
    const current = Number(object?.metadata.resourceVersion ?? 0)
    // A write may be on disk that nobody was told of any more: newer is fine, older or missing is not.
    if (object === undefined) {
      assert.ok(deleted || ledger.undecided.has(path), `${path}@${revision} is lost`)
      // Now it is known, also if no writer comes by before the next kill.
      ledger.acknowledged.set(path, { revision, deleted: true })
    } else assert.ok(deleted ? current > revision : current >= revision, `${path}@${revision} went back to ${current}`)
  }
  ledger.undecided.clear()
}

async function lane(stateDir: string, rounds: number): Promise<number> {
  const ledger = new Ledger()
  for (let round = 0; round <= rounds; round += 1) {
    const before = ledger.highest
    const server = await start(stateDir)
    await check(server, ledger)
    // A watch from before the kill: what it missed cannot be told any more, so it must hear so.
    if (before > 0) {
      const watch = await server.call('GET', `${COLLECTIONS[0]}?watch=1&timeoutSeconds=1&resourceVersion=${before - 1}`)
      assert.equal((watch?.object as { type?: string } | undefined)?.type ?? 'none', 'ERROR')
    }
    if (round === rounds) {
      server.child.kill('SIGKILL')
      await server.ended
      break
    }
    ledger.killAfter(3 + ((round * 37) % 90), () => server.child.kill('SIGKILL'))
    await Promise.all(Array.from({ length: WRITERS }, (_, worker) => write(server, ledger, worker)))
    await server.ended
  }
  return ledger.acknowledged.size
}

describe('an API server that is killed', () => {
  it(`keeps what it acknowledged over ${ROUNDS} kills under load`, async () => {
    const rounds = Math.ceil(ROUNDS / LANES)
    const lanes = Array.from({ length: LANES }, (_, i) => lane(join(folder, `state-${i}`), rounds))
    for (const objects of await Promise.all(lanes)) assert.ok(objects >= 20)
  })
})
