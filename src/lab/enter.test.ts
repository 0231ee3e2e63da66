import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { PodRecord } from './node-agent/pod-record.ts'
import { DEFAULT_PATH } from './node-agent/container-env.ts'
import { enterHost, enterPod } from './enter.ts'

const outer = 'nsenter --target=4711 --user --preserve-credentials --mount --net --pid --uts --ipc -- '

const pod: PodRecord = {
  namespace: 'default',
  name: 'web',
  uid: 'u',
  node: 'node-1',
  pid: 23,
  startTime: '1',
  hostNetwork: false,
  addresses: ['10.244.1.2'],
  containers: [
    { name: 'main', pid: 25, env: { A: '1' } },
    { name: 'side', env: { A: '2' } },
  ],
}

test('a host is entered by its network namespace, below the sandbox', () => {
  const { argv, env } = enterHost(4711, { netns: 'node-1' }, ['ip', 'route'])
  assert.equal(argv.join(' '), `${outer}nsenter --net=/run/netns/node-1 -- ip route`)
  assert.equal(env, undefined)
})

test('a pod is entered by the number that its first process has in the sandbox, with the environment of its container', () => {
  const { argv, env } = enterPod({ hostPid: 4711, pod, argv: ['sh'], term: 'xterm' })
  assert.equal(argv.join(' '), `${outer}nsenter --target=23 --mount --net --uts --ipc --pid -- sh`)
  assert.deepEqual(env, { PATH: DEFAULT_PATH, A: '1', TERM: 'xterm' })
  assert.deepEqual(enterPod({ hostPid: 4711, pod, container: 'side', argv: ['sh'] }).env?.['A'], '2')
})

test('arguments stay apart: nothing is read by a shell', () => {
  const { argv } = enterPod({ hostPid: 4711, pod, argv: ['echo', '$(id); rm -rf /', ''] })
  assert.deepEqual(argv.slice(-3), ['echo', '$(id); rm -rf /', ''])
})
