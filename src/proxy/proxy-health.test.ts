import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '#api'
import type { Clock } from '#lib'
import { systemClock } from '#lib'
import { createProxyHealth } from './proxy-health.ts'

function at(): { clock: Clock; advance: (milliseconds: number) => void } {
  let now = 1_000_000
  return { clock: { ...systemClock, now: () => now }, advance: (milliseconds) => void (now += milliseconds) }
}

const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }

test('HC-9 a family is healthy until something is queued and not done in time', () => {
  const { clock, advance } = at()
  const health = createProxyHealth({ families: ['IPv4', 'IPv6'], clock, timeout: 60_000 })
  advance(3_600_000)
  assert.equal(health.livez().status, 200)
  health.queued('IPv6')
  advance(59_999)
  assert.equal(health.livez().status, 200)
  health.queued('IPv6')
  advance(1)
  assert.equal(health.livez().status, 503)
  health.updated('IPv6')
  assert.equal(health.livez().status, 200)
})

test('CC-162 one stuck family makes the whole unhealthy and is named', () => {
  const { clock, advance } = at()
  const health = createProxyHealth({ families: ['IPv4', 'IPv6'], clock, timeout: 60_000 })
  health.queued('IPv4')
  health.queued('IPv6')
  health.updated('IPv4')
  advance(60_000)
  const { status, body } = health.livez()
  assert.equal(status, 503)
  assert.equal(body.status.IPv4?.healthy, true)
  assert.equal(body.status.IPv6?.healthy, false)
  assert.equal(body.lastUpdated, new Date(1_000_000).toISOString())
})

test('CC-163 CC-164 the node decides /healthz alone', () => {
  const { clock } = at()
  const health = createProxyHealth({ families: ['IPv4'], clock, timeout: 60_000 })
  assert.equal(health.healthz().status, 503)
  health.nodeSeen(node)
  assert.equal(health.healthz().status, 200)
  health.nodeSeen({ ...node, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } })
  const { status, body } = health.healthz()
  assert.deepEqual([status, body.healthy, body.nodeEligible], [503, true, false])
  assert.equal(health.livez().status, 200)
  health.nodeSeen({ ...node, metadata: { name: 'node-1', deletionTimestamp: '2026-01-01T00:00:00Z' } })
  assert.equal(health.healthz().status, 503)
  health.nodeSeen(undefined)
  assert.equal(health.healthz().status, 503)
})
