import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { hasCode } from '#lib'
import { inClusterConnection } from './in-cluster-connection.ts'
import { loadKubeconfig } from './load-kubeconfig.ts'
import { writeKubeconfig } from './write-kubeconfig.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-watch-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function kubeconfig(user: string, cluster = 'server: https://10.0.0.1:6443'): string {
  const path = join(folder, 'config')
  const lines = [
    'apiVersion: v1',
    'kind: Config',
    'current-context: main',
    'contexts:',
    '- name: main',
    '  context: { cluster: c, user: u }',
    '- name: other',
    '  context: { cluster: c, user: u, namespace: prod }',
    'clusters:',
    `- name: c\n  cluster: { ${cluster} }`,
    `users:\n- name: u\n  user: { ${user} }`,
  ]
  writeFileSync(path, lines.join('\n'))
  return path
}

test('current-context or the one asked for, token, CA data and files relative to the kubeconfig', () => {
  writeFileSync(join(folder, 'ca.pem'), 'FILE CA')
  const path = kubeconfig(
    'token: abc',
    'server: https://h:6443/prefix, certificate-authority: ca.pem, tls-server-name: api.example',
  )
  const connection = loadKubeconfig({ path })
  assert.equal(connection.server, 'https://h:6443/prefix')
  assert.equal(connection.ca, 'FILE CA')
  assert.equal(connection.tlsServerName, 'api.example')
  assert.equal(connection.namespace, 'default')
  assert.equal(connection.authorization?.(), 'Bearer abc')
  assert.equal(loadKubeconfig({ path, context: 'other' }).namespace, 'prod')
})

test('a token file is read anew for each request and wins over an inline token', () => {
  const file = join(folder, 'token')
  writeFileSync(file, 'one\n')
  const connection = loadKubeconfig({ path: kubeconfig('token: inline, tokenFile: token') })
  assert.equal(connection.authorization?.(), 'Bearer one')
  writeFileSync(file, 'two')
  assert.equal(connection.authorization?.(), 'Bearer two')
  rmSync(file)
  assert.equal(connection.authorization?.(), 'Bearer two', 'the last good token stands in during a rotation')
})

test('client certificates come in pairs', () => {
  const data = Buffer.from('PEM').toString('base64')
  const both = loadKubeconfig({ path: kubeconfig(`client-certificate-data: ${data}, client-key-data: ${data}`) })
  assert.equal(both.clientCertificate, 'PEM')
  assert.equal(both.clientKey, 'PEM')
  assert.throws(
    () => loadKubeconfig({ path: kubeconfig(`client-certificate-data: ${data}`) }),
    (error) => hasCode(error, 'SBX_KUBECONFIG_INVALID'),
  )
})

test('what would change who we are is refused with the user and the plugin', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['exec: { command: aws-iam-authenticator }', /user u needs the exec plugin aws-iam-authenticator/],
    ['auth-provider: { name: oidc }', /user u needs the auth-provider plugin oidc/],
    ['token: x, as: root', /impersonates/],
  ]
  for (const [user, message] of refused) {
    assert.throws(
      () => loadKubeconfig({ path: kubeconfig(user) }),
      (error: Error) => hasCode(error, 'SBX_KUBECONFIG_UNSUPPORTED') && message.test(error.message),
    )
  }
  assert.throws(
    () => loadKubeconfig({ path: kubeconfig('token: x', 'server: https://h, proxy-url: http://p') }),
    (error) => hasCode(error, 'SBX_KUBECONFIG_UNSUPPORTED'),
  )
})

test('broken files are named, not crashed on', () => {
  const path = join(folder, 'config')
  const load = (): unknown => loadKubeconfig({ path })
  assert.throws(load, (error) => hasCode(error, 'SBX_KUBECONFIG_UNREADABLE'))
  for (const content of ['', '[]', ': : :', 'current-context: x', 'current-context: x\ncontexts: 7', '{"a":']) {
    writeFileSync(path, content)
    assert.throws(load, (error) => hasCode(error, 'SBX_KUBECONFIG_INVALID'), content)
  }
  kubeconfig('token: x', 'server: "10.0.0.1:6443"')
  assert.throws(load, (error) => hasCode(error, 'SBX_KUBECONFIG_INVALID'))
})

test('what is written is 0600, replaces the old file whole, and reads back', () => {
  const path = join(folder, 'written')
  writeFileSync(path, 'old', { mode: 0o644 })
  writeKubeconfig(path, { name: 'box', server: 'https://127.0.0.1:1', ca: 'CA', token: 't: "x"', namespace: 'n' })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), ['written'])
  const connection = loadKubeconfig({ path })
  assert.equal(connection.ca, 'CA')
  assert.equal(connection.namespace, 'n')
  assert.equal(connection.authorization?.(), 'Bearer t: "x"')
})

test('in a pod: service account, rotated token, IPv6 service host', () => {
  const account = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount')
  mkdirSync(account, { recursive: true })
  writeFileSync(join(account, 'token'), 'one')
  writeFileSync(join(account, 'ca.crt'), 'CA')
  writeFileSync(join(account, 'namespace'), 'kube-system\n')
  const env = { KUBERNETES_SERVICE_HOST: 'fd00:10:96::1', KUBERNETES_SERVICE_PORT: '443' }
  const connection = inClusterConnection({ env, root: folder })
  assert.equal(connection.server, 'https://[fd00:10:96::1]:443')
  assert.equal(connection.namespace, 'kube-system')
  writeFileSync(join(account, 'token'), 'two')
  assert.equal(connection.authorization?.(), 'Bearer two')
  assert.throws(
    () => inClusterConnection({ env: {}, root: folder }),
    (error) => hasCode(error, 'SBX_KUBECONFIG_NOT_IN_CLUSTER'),
  )
})
