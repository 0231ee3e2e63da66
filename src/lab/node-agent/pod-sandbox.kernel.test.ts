/** Pods on machines whose /etc is not as simple as usual. The runner's mount namespace is changed, never the host's. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'

import { inNamespacesOf, mustRun } from '#kernel'
import { hasCode, systemClock } from '#lib'

import type { PodSandbox } from './pod-sandbox.ts'
import type { PodRoot } from './prepare-pod-root.ts'
import { createPodSandbox } from './pod-sandbox.ts'

let folder = ''
let sandbox: PodSandbox | undefined

beforeEach(async () => {
  folder = join(await mkdtemp('/run/signalbox-'), 'root')
})
afterEach(async () => {
  await sandbox?.destroy()
  sandbox = undefined
})

async function startPod(change: Partial<PodRoot> = {}): Promise<void> {
  const root: PodRoot = {
    folder,
    namespace: 'default',
    hostname: 'web',
    hosts: '10.0.0.1\tweb\n',
    resolvConf: 'nameserver 10.96.0.10\n',
    serviceAccount: { token: 'token', caCertificate: 'ca' },
    visible: [],
    ...change,
  }
  sandbox = await createPodSandbox({ uid: 'uid', root, network: undefined, clock: systemClock })
}

async function inside(script: string): Promise<string> {
  assert.ok(sandbox)
  const [file, ...args] = inNamespacesOf(sandbox.pid, ['mount', 'uts', 'ipc', 'pid'], ['sh', '-c', script])
  return mustRun(file, args)
}

test('a resolver file that is a link into /run, and a missing hosts file, are the pod’s own all the same', async (t) => {
  const etc = await mkdtemp('/run/etc-')
  await writeFile(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  await symlink('../usr/bin/env', join(etc, 'relative'))
  await symlink('/run/systemd/resolve/stub-resolv.conf', join(etc, 'resolv.conf'))
  await mustRun('mount', ['--bind', etc, '/etc'])
  t.after(() => mustRun('umount', ['/etc']))
  await startPod()
  assert.equal(await inside('cat /etc/resolv.conf /etc/hosts'), 'nameserver 10.96.0.10\n10.0.0.1\tweb\n')
  assert.match(await inside('cat /etc/passwd'), /^root:/)
  assert.equal(await inside('test -x /etc/relative && hostname'), 'web\n')
  await assert.rejects(readFile('/etc/hosts'), { code: 'ENOENT' })
})

test('only what is asked for stays visible below /tmp and /run', async () => {
  const kept = await mkdtemp('/run/kept-')
  await writeFile(join(kept, 'file'), 'here')
  await mkdir('/run/hidden')
  await startPod({ visible: [kept, '/usr'] })
  assert.equal(await inside(`cat ${kept}/file; ls -A -I mount /run | wc -l`), 'here3\n')
})

test('with the pod goes every process of it, and its folder', async () => {
  await startPod()
  await inside('setsid sleep 600 >/dev/null 2>&1 & sleep 0.1')
  const pod = sandbox
  assert.ok(pod)
  assert.equal(await pod.isAlive(), true)
  await pod.destroy()
  assert.equal(await pod.isAlive(), false)
  await assert.rejects(readFile(join(folder, 'hosts')))
})

test('namespaces that cannot be made are a failure that says why, and leave no folder', async () => {
  await assert.rejects(startPod({ visible: ['/run/does-not-exist'] }), (error) => {
    assert.ok(hasCode(error, 'SBX_POD_SANDBOX_FAILED'))
    assert.match((error as Error).message, /does-not-exist/)
    return true
  })
  await assert.rejects(readFile(join(folder, 'hosts')))
})
