import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '#lib'
import type { ProxyRoleOptions } from './load-settings.ts'
import { loadSettings } from './load-settings.ts'
import { watchConfigFile } from './watch-config-file.ts'

const NOTHING: ProxyRoleOptions = { flags: {}, cleanup: false, initOnly: false, serviceCidrs: [], withoutEffect: [] }
const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'

let folder = ''
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'settings-'))))
after(() => rm(folder, { recursive: true }))

async function fileOf(text: string): Promise<string> {
  const path = join(folder, 'config.conf')
  await writeFile(path, HEAD + text)
  return path
}

test('without a file health is served on loopback; with one, where kube-proxy serves it', async () => {
  assert.equal((await loadSettings(NOTHING)).configuration.healthzBindAddress, '127.0.0.1:10256')
  const config = await fileOf('')
  assert.equal((await loadSettings({ ...NOTHING, config })).configuration.healthzBindAddress, '0.0.0.0:10256')
})

test('HC-15 the deprecated port flags: 0 is off, another number moves the port', async () => {
  const { configuration } = await loadSettings({ ...NOTHING, healthzPort: '0', metricsPort: '9999' })
  assert.deepEqual([configuration.healthzBindAddress, configuration.metricsBindAddress], ['', '127.0.0.1:9999'])
  await assert.rejects(loadSettings({ ...NOTHING, healthzPort: 'x' }), { code: 'SBX_CLI_USAGE' })
})

test('IN-37 the name of the node: the flag over the file over the host, trimmed and in lower case', async () => {
  const config = await fileOf('hostnameOverride: From-File\n')
  assert.equal((await loadSettings({ ...NOTHING, config })).nodeName, 'from-file')
  const flags = { 'hostname-override': ' Node-1 ' }
  assert.equal((await loadSettings({ ...NOTHING, config, flags })).nodeName, 'node-1')
  assert.equal((await loadSettings({ ...NOTHING, nodeName: 'N2' })).nodeName, 'n2')
  assert.notEqual((await loadSettings(NOTHING)).nodeName, '')
})

test('OP-2 a configuration that cannot be used names every field; one that cannot be read names the file', async () => {
  const config = await fileOf('mode: ebpf\noomScoreAdj: 5000\n')
  await assert.rejects(loadSettings({ ...NOTHING, config }), {
    code: 'SBX_PROXY_CONFIG',
    message: /oomScoreAdj.*; mode/,
  })
  await assert.rejects(loadSettings({ ...NOTHING, config: join(folder, 'none') }), { code: 'SBX_PROXY_CONFIG' })
})

test('OP-21 what is ignored and what is wide open is said', async () => {
  const flags = { 'proxy-mode': 'iptables', profiling: true, 'nodeport-addresses': '10.0.0.0/8' }
  const { warnings } = await loadSettings({ ...NOTHING, flags, withoutEffect: ['vmodule'] })
  assert.equal(warnings.length, 3)
  assert.match(warnings.join('\n'), /enableProfiling has no effect[^]*--vmodule has no effect[^]*all IPv6 addresses/)
  const open = await loadSettings({ ...NOTHING, flags: { 'proxy-mode': 'iptables' } })
  assert.match(open.warnings.join(), /all addresses of this node/)
})

test('OP-4 a changed configuration ends the proxy; a touched or missing one does not', async () => {
  const path = await fileOf('mode: iptables\n')
  const stop = new AbortController()
  let looks = 0
  const steps = [
    () => fileOf('mode: iptables\n'),
    () => rename(path, `${path}.away`),
    () => rename(`${path}.away`, path),
    () => fileOf('mode: nftables\n'),
  ]
  const clock = {
    ...systemClock,
    sleep: async () => {
      await steps[looks]?.()
      looks += 1
    },
  }
  await assert.rejects(watchConfigFile(path, clock, stop.signal), { code: 'SBX_PROXY_CONFIG_CHANGED' })
  assert.equal(looks, 4)
  stop.abort()
  await watchConfigFile(path, clock, stop.signal)
})
