import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Container, EnvVar, Pod } from '#api'

import type { EnvSources } from './container-env.ts'
import { expandReferences, resolveEnv } from './container-env.ts'

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u1', labels: { 'app/x': 'y' } },
  spec: { nodeName: 'node-1', containers: [] },
}
const sources: EnvSources = {
  pod,
  podAddresses: ['10.244.1.2', 'fd00::2'],
  hostAddresses: ['172.18.0.11'],
  configMap: async (name) =>
    name === 'conf' ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k: 'v' } } : undefined,
  secret: async (name) =>
    name === 'key' ? { apiVersion: 'v1', kind: 'Secret', metadata: { name }, data: { k: 'c2VjcmV0' } } : undefined,
}

async function envOf(env: readonly EnvVar[]): Promise<unknown> {
  const container: Container = { name: 'c', env }
  const resolved = await resolveEnv(container, { BASE: 'base' }, sources)
  return resolved.problem ?? resolved.env
}

test('fields of the pod', async () => {
  const paths = ['metadata.name', "metadata.labels['app/x']", 'status.podIPs', 'status.hostIP', 'spec.nodeName']
  const env = paths.map((fieldPath, i) => ({ name: `F${i}`, valueFrom: { fieldRef: { fieldPath } } }))
  assert.deepEqual(await envOf(env), {
    BASE: 'base',
    F0: 'web',
    F1: 'y',
    F2: '10.244.1.2,fd00::2',
    F3: '172.18.0.11',
    F4: 'node-1',
  })
})

test('keys of config maps and secrets, and references to what came before', async () => {
  const env: EnvVar[] = [
    { name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'k' } } },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'key', key: 'k' } } },
    { name: 'C', value: '$(A)-$(B)-$(BASE)-$(LATER)' },
    { name: 'LATER', value: 'x' },
    { name: 'NONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'k', optional: true } } },
  ]
  assert.deepEqual(await envOf(env), { BASE: 'base', A: 'v', B: 'secret', C: 'v-secret-base-$(LATER)', LATER: 'x' })
})

const problems: readonly (readonly [EnvVar['valueFrom'] & object, RegExp])[] = [
  [{ configMapKeyRef: { name: 'absent', key: 'k' } }, /configmap "absent" not found/],
  [{ secretKeyRef: { name: 'key', key: 'other' } }, /couldn't find key other in secret key/],
  [{ secretKeyRef: { name: 'key', key: 'constructor' } }, /couldn't find key constructor/],
  [{ fieldRef: { fieldPath: 'spec.hostname' } }, /unsupported fieldPath: spec\.hostname/],
]
for (const [valueFrom, expected] of problems) {
  test(`a problem is an answer: ${expected.source}`, async () =>
    assert.match(String(await envOf([{ name: 'X', valueFrom }])), expected))
}

test('two dollars are one, and what is no reference stays', () => {
  assert.equal(expandReferences('$$(A) $(A) $A $( $(B', { A: '1' }), '$(A) 1 $A $( $(B')
})
