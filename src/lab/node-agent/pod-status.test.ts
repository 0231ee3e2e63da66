import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Pod } from '#api'

import type { ContainerView, PodView } from './pod-status.ts'
import { podStatus } from './pod-status.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'main' }] },
}

const running: ContainerView = {
  name: 'main',
  image: 'x',
  state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  lastState: {},
  ready: true,
  started: true,
  restartCount: 0,
}
const ended = (exitCode: number): ContainerView => ({
  ...running,
  ready: false,
  started: false,
  state: { terminated: { exitCode } },
})
const waiting = (reason: string, exitCode?: number): ContainerView => ({
  ...running,
  ready: false,
  state: { waiting: { reason } },
  lastState: exitCode === undefined ? {} : { terminated: { exitCode } },
})

function statusOf(change: Partial<PodView>): ReturnType<typeof podStatus> {
  return podStatus({
    pod,
    initialized: true,
    sandboxReady: true,
    ended: false,
    initContainers: [],
    containers: [running],
    addresses: ['10.244.1.2', 'fd00::2'],
    hostAddresses: ['172.18.0.11'],
    startTime: '2026-01-01T00:00:00Z',
    now: '2026-01-01T00:00:05Z',
    ...change,
  })
}

const phases: readonly (readonly [string, Partial<PodView>, string])[] = [
  ['before its init containers are done', { initialized: false }, 'Pending'],
  ['with a container that has never run', { containers: [running, waiting('ErrImagePull')] }, 'Pending'],
  ['with everything running', {}, 'Running'],
  ['in crash loop', { containers: [waiting('CrashLoopBackOff', 1)] }, 'Running'],
  ['between two runs', { containers: [ended(1)] }, 'Running'],
  ['ended well', { ended: true, containers: [ended(0), ended(0)] }, 'Succeeded'],
  ['ended with one failure', { ended: true, containers: [ended(0), ended(3)] }, 'Failed'],
  [
    'whose init container failed for good',
    {
      ended: true,
      initialized: false,
      initContainers: [{ ...ended(1), done: true }],
      containers: [waiting('PodInitializing')],
    },
    'Failed',
  ],
]
for (const [what, change, expected] of phases) {
  test(`a pod ${what} is ${expected}`, () => assert.equal(statusOf(change).phase, expected))
}

function condition(
  status: ReturnType<typeof podStatus>,
  type: string,
): { status?: string; lastTransitionTime?: string } {
  return (status.conditions ?? []).find((one) => one.type === type) ?? {}
}

test('Ready needs every container', () => {
  const status = statusOf({ containers: [running, { ...running, name: 'slow', ready: false }] })
  assert.equal(condition(status, 'Ready').status, 'False')
  assert.equal(condition(status, 'ContainersReady').status, 'False')
})

test('Ready needs every readiness gate (KEP-580), and conditions of others are kept', () => {
  const gated = { ...pod, spec: { ...pod.spec, readinessGates: [{ conditionType: 'lb' }] } }
  assert.equal(condition(statusOf({ pod: gated }), 'Ready').status, 'False')
  const open = statusOf({ pod: { ...gated, status: { conditions: [{ type: 'lb', status: 'True' }] } } })
  assert.equal(condition(open, 'Ready').status, 'True')
  assert.equal(condition(open, 'lb').status, 'True')
})

test('a condition keeps its transition time while its status stays', () => {
  const before = {
    ...pod,
    status: { conditions: [{ type: 'Ready', status: 'True' as const, lastTransitionTime: 'then' }] },
  }
  assert.equal(condition(statusOf({ pod: before }), 'Ready').lastTransitionTime, 'then')
  const broken = statusOf({ pod: before, containers: [ended(1)] })
  assert.equal(condition(broken, 'Ready').lastTransitionTime, '2026-01-01T00:00:05Z')
})
