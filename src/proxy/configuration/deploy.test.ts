import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import { decodeConfiguration } from './decode-configuration.ts'
import { ignoredSettings } from './name-what-is-ignored.ts'
import { validateConfiguration } from './validate-configuration.ts'

const file = (name: string): Promise<string> =>
  readFile(new URL(`../../../deploy/proxy/${name}`, import.meta.url), 'utf8')

test('the configuration that is deployed is right, and every setting of it has an effect', async () => {
  const { data } = parse(await file('config.yaml')) as { data: Record<string, string> }
  const decoded = decodeConfiguration(data['config.conf'] ?? '')
  assert.deepEqual(decoded.warnings, [])
  assert.deepEqual(validateConfiguration(decoded.configuration), [])
  assert.deepEqual(ignoredSettings(decoded, 'iptables'), [])
})

type Container = {
  readonly args: readonly string[]
  readonly livenessProbe?: { readonly httpGet: { readonly port: number } }
}

test('the DaemonSet asks for the port that the configuration serves, and reads the file that it mounts', async () => {
  const { data } = parse(await file('config.yaml')) as { data: Record<string, string> }
  const { configuration } = decodeConfiguration(data['config.conf'] ?? '')
  const daemonSet = parse(await file('daemonset.yaml')) as {
    spec: { template: { spec: { containers: readonly Container[]; initContainers: readonly Container[] } } }
  }
  const { containers, initContainers } = daemonSet.spec.template.spec
  const [proxy] = containers
  assert.equal(String(proxy?.livenessProbe?.httpGet.port), configuration.healthzBindAddress.split(':').at(-1))
  for (const { args } of [...containers, ...initContainers])
    assert.ok(args.includes('--config=/etc/signalbox/config.conf'))
})

test('OP-35 the role holds what the proxy uses and no more', async () => {
  const text = await file('rbac.yaml')
  const role = text
    .split('\n---\n')
    .map((part) => parse(part) as { kind: string; rules?: unknown })
    .find(({ kind }) => kind === 'ClusterRole')
  assert.deepEqual(role?.rules, [
    { apiGroups: [''], resources: ['services', 'nodes'], verbs: ['list', 'watch'] },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ])
})
