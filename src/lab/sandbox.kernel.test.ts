/** The wall holds: what starts inside ends with its supervisor, however that ends, and nothing of it is seen outside. */
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { test } from 'node:test'

import { runCommand } from '#kernel'

import { enterSandbox } from './enter.ts'
import { probeSandbox } from './probe-sandbox.ts'
import { startSandbox } from './sandbox.ts'

/** Something of every kind that could stay behind: a daemon, a namespace with its own mount, a link, a mount. */
const BUSY = `
ip netns add inside && ip link add left0 type veth peer name left1 netns inside
mount -t tmpfs tmpfs /mnt
setsid sleep 600 &
ip netns exec inside setsid sleep 600 &
echo ready
sleep 600
`

function supervisor(marker: string): ChildProcess {
  const module = new URL('./sandbox.ts', import.meta.url).href
  const script = `
    import { startSandbox } from ${JSON.stringify(module)}
    const sandbox = await startSandbox({ command: ['sh', '-c', ${JSON.stringify(BUSY)}] })
    process.on('SIGINT', () => process.exit(130))
    console.log('pid', sandbox.hostPid)
    setInterval(() => undefined, 1000)`
  return spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', script], {
    env: { ...process.env, SIGNALBOX_TEST_MARKER: marker },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

async function untilPrinted(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = ''
  while (!pattern.test(text)) {
    assert.ok(child.stdout)
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    text += chunk.toString('utf8')
  }
  return text
}

/** Numbers of the processes that carry the marker in their environment, whoever their parent is by now. */
async function marked(marker: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const hits = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(marker)),
  )
  return pids.filter((_, i) => hits[i])
}

async function untilNoneMarked(marker: string): Promise<void> {
  const deadline = performance.now() + 20_000
  while ((await marked(marker)).length > 0) {
    assert.ok(performance.now() < deadline, `still there: ${(await marked(marker)).join(' ')}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function visible(): Promise<{ mounts: string; links: string; netns: string }> {
  const [mounts, links, netns] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    runCommand('ip', ['-o', 'link']),
    runCommand('ip', ['netns']),
  ])
  return { mounts, links: links.stdout, netns: netns.stdout }
}

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test(`a supervisor ended by ${signal} leaves no process, link, namespace or mount`, async () => {
    const before = await visible()
    const marker = `marker-${randomUUID()}`
    const child = supervisor(marker)
    await untilPrinted(child, /ready[^]*pid|pid[^]*ready/)
    assert.ok((await marked(marker)).length >= 5, 'the marker must find what it is to miss later')
    child.kill(signal)
    await once(child, 'exit')
    await untilNoneMarked(marker)
    assert.deepEqual(await visible(), before)
  })
}

test('kill() ends everything and reports how it ended', async () => {
  const marker = `marker-${randomUUID()}`
  let reported: unknown
  const sandbox = await startSandbox({
    command: ['sh', '-c', 'setsid sleep 600 & sleep 600'],
    env: { SIGNALBOX_TEST_MARKER: marker },
    onExit: (exit) => (reported = exit),
  })
  const exit = await sandbox.kill()
  assert.deepEqual(exit, { code: null, signal: 'SIGKILL' })
  assert.deepEqual(reported, exit)
  await untilNoneMarked(marker)
})

test('the command speaks over IPC, is root and process 1, and its exit status comes out', async () => {
  const script = `
    process.send({ pid: process.pid, uid: process.getuid(), run: require('fs').readdirSync('/run').sort() })
    process.on('message', (status) => process.exit(status))`
  const sandbox = await startSandbox({ command: [process.execPath, '-e', script] })
  const [message] = (await once(sandbox.child, 'message')) as [unknown]
  assert.deepEqual(message, { pid: 1, uid: 0, run: ['lock', 'netns', 'signalbox'] })
  sandbox.child.send(7)
  assert.deepEqual(await sandbox.exited, { code: 7, signal: null })
})

test('a command can be run inside from outside, keeping its exit status; files are reachable through /proc', async (t) => {
  const sandbox = await startSandbox({ command: ['sh', '-c', 'ip link add mark0 type veth; exec sleep 600'] })
  t.after(() => sandbox.kill())
  const enter = enterSandbox(sandbox.hostPid, ['sh', '-c', 'echo hello > /run/signalbox/note; ip -o link; exit 9'])
  const [file, ...args] = enter.argv
  const { status, stdout } = await runCommand(file, args)
  assert.equal(status, 9)
  assert.match(stdout, /mark0/)
  assert.equal(await readFile(`/proc/${sandbox.hostPid}/root/run/signalbox/note`, 'utf8'), 'hello\n')
})

test('a directory below /run can be kept, all else of /run is hidden', async (t) => {
  await mkdir('/run/user/kept', { recursive: true })
  await writeFile('/run/user/kept/state', 'here')
  await writeFile('/run/user/hidden', '')
  t.after(() => rm('/run/user', { recursive: true }))
  const command = ['sh', '-c', 'cat /run/user/kept/state; ls /run/user; exec sleep 600'] as const
  const sandbox = await startSandbox({ command, keep: ['/run/user/kept'], stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => sandbox.kill())
  const text = await untilPrinted(sandbox.child, /\n/)
  assert.equal(text, 'herekept\n')
})

test('a machine that can run a box reports nothing missing', async () => assert.deepEqual(await probeSandbox(), []))

test('a machine without user namespaces is told which setting forbids them', async () => {
  // Lowers the limit of the user namespace this test runs in; the probe runs below it.
  const probe = new URL('./probe-sandbox.ts', import.meta.url).href
  const script = `
    import { writeFileSync } from 'node:fs'
    import { probeSandbox } from ${JSON.stringify(probe)}
    writeFileSync('/proc/sys/user/max_user_namespaces', '0')
    console.log(JSON.stringify(await probeSandbox()))`
  const node = [process.execPath, '--conditions=source', '--input-type=module', '--eval', script]
  const { stdout, stderr } = await runCommand('unshare', ['--user', '--map-root-user', ...node])
  const missing = JSON.parse(stdout || '[]') as { name: string; detail: string }[]
  assert.equal(missing[0]?.name, 'user-namespaces', stderr)
  assert.match(missing[0]?.detail ?? '', /max_user_namespaces is 0/)
})
