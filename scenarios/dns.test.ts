/** Cluster DNS as real resolvers see it, from inside pods: glibc, Node.js, dig, and musl where its compiler is installed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually, run, signalbox } from './support/run-signalbox.ts'

const env = { SIGNALBOX_TEST_MARK: randomUUID() }
const dir = mkdtempSync(join(tmpdir(), 'signalbox-dns-'))
const stateDir = join(dir, 'state')
const KUBECTL = process.env['SIGNALBOX_KUBECTL'] ?? 'kubectl'
let kubeconfig = ''

const MANIFEST = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: peer}, ports: [{name: http, port: 80, targetPort: 9376}], ipFamilyPolicy: PreferDualStack}
---
apiVersion: v1
kind: Service
metadata: {name: peers, namespace: default}
spec: {clusterIP: None, selector: {app: peer}, ports: [{name: http, port: 9376}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody, namespace: default}
spec: {clusterIP: None, selector: {app: nobody}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: default}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
---
apiVersion: v1
kind: Pod
metadata: {name: peer-0, namespace: default, labels: {app: peer}}
spec:
  hostname: peer-0
  subdomain: peers
  containers: [{name: echo, image: signalbox/echo, env: [{name: PORT, value: "9376"}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: default}
spec: {containers: [{name: client, image: signalbox/client}]}
`

const kubectl = async (...args: string[]): Promise<string> => {
  const cache = join(dir, 'kube')
  const { status, stdout, stderr } = await run(KUBECTL, ['--kubeconfig', kubeconfig, '--cache-dir', cache, ...args])
  assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}
const box = (command: string, ...args: string[]) => signalbox([command, '--state-dir', stateDir, ...args], env)
const inPod = (...command: string[]) => box('exec', 'client', '--', ...command)
const field = (kind: string, name: string, path: string) => kubectl('get', kind, name, '-o', `jsonpath={${path}}`)

before(async () => {
  const { status, stdout, stderr } = await signalbox(['up', '--detach', '--state-dir', stateDir, '--json'], env)
  assert.equal(status, 0, stderr)
  kubeconfig = (JSON.parse(stdout) as { kubeconfig: string }).kubeconfig
  const file = join(dir, 'objects.yaml')
  writeFileSync(file, MANIFEST)
  await kubectl('apply', '-f', file)
  await kubectl('wait', '--for=condition=Ready', 'pod/client', 'pod/peer-0', '--timeout=30s')
})

after(async () => {
  await box('down')
  rmSync(dir, { recursive: true, force: true })
})

const missing = (tool: string): string | false =>
  spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined ? false : `${tool} is not installed`

test('glibc: getent walks the search list, in both families', async () => {
  const four = await field('service', 'web', '.spec.clusterIPs[0]')
  for (const name of ['web', 'web.default', 'web.default.svc', 'web.default.svc.cluster.local', 'alias']) {
    const { status, stdout } = await inPod('getent', 'ahosts', name)
    assert.equal(status, 0, name)
    assert.ok(stdout.includes(four), `${name}: ${stdout}`)
  }
  const pod = await field('pod', 'peer-0', '.status.podIP')
  assert.ok((await inPod('getent', 'hosts', 'peer-0.peers')).stdout.includes(pod))
  assert.match((await inPod('getent', 'hosts', four)).stdout, /web\.default\.svc\.cluster\.local/)
  assert.notEqual((await inPod('getent', 'hosts', 'nobody')).status, 0)
})

test('Node.js: SRV, PTR, and errors by name', async () => {
  const script = `const {Resolver} = require('node:dns').promises; const r = new Resolver({timeout: 2000, tries: 2});
const [what, name] = process.argv.slice(1); r[what](name).then((x) => console.log(JSON.stringify(x)), (e) => console.log(e.code))`
  const ask = async (what: string, name: string): Promise<string> =>
    (await inPod(process.execPath, '-e', script, '--', what, name)).stdout.trim()
  const [srv] = JSON.parse(await ask('resolveSrv', '_http._tcp.peers.default.svc.cluster.local')) as {
    name: string
    port: number
    weight: number
  }[]
  assert.deepEqual([srv?.name, srv?.port, srv?.weight], ['peer-0.peers.default.svc.cluster.local', 9376, 100])
  const pod = await field('pod', 'peer-0', '.status.podIP')
  // One name for each Service that has the pod as an endpoint.
  assert.match(await ask('reverse', pod), /"peer-0\.peers\.default\.svc\.cluster\.local"/)
  assert.equal(await ask('resolve4', 'nobody.default.svc.cluster.local'), 'ENOTFOUND')
})

test('dig: over UDP and TCP through the cluster IP', { skip: missing('dig') }, async () => {
  const four = await field('service', 'web', '.spec.clusterIPs[0]')
  for (const transport of ['+notcp', '+tcp']) {
    const { stdout } = await inPod('dig', '+short', '+time=2', transport, 'web.default.svc.cluster.local')
    assert.equal(stdout.trim(), four, transport)
  }
})

const MUSL = `#include <netdb.h>
#include <stdio.h>
#include <arpa/inet.h>
int main(int argc, char **argv) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  char text[64];
  int failed = argc < 2 ? -1 : getaddrinfo(argv[1], 0, &hints, &found);
  if (failed) { puts(gai_strerror(failed)); return 1; }
  for (; found; found = found->ai_next)
    puts(inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof text));
  return 0;
}
`

test('musl: a program linked with it finds names by the search list', { skip: missing('musl-gcc') }, async () => {
  const source = join(dir, 'lookup.c')
  const program = join(dir, 'lookup')
  writeFileSync(source, MUSL)
  assert.equal(spawnSync('musl-gcc', ['-static', '-o', program, source]).status, 0)
  const four = await field('service', 'web', '.spec.clusterIPs[0]')
  for (const name of ['web', 'web.default', 'web.default.svc.cluster.local']) {
    assert.equal((await inPod(program, name)).stdout.trim(), four, name)
  }
  assert.equal((await inPod(program, 'nobody.default.svc.cluster.local')).status, 1)
})

test('explain --name: the steps a pod’s resolver takes, and why a name is not there', async () => {
  const found = await box('explain', '--name', 'web', '--from', 'client')
  assert.equal(found.status, 0, found.stderr)
  assert.match(found.stdout, /1\. web\.default\.svc\.cluster\.local\.[^]*is the cluster IP of Service default\/web/)
  const lost = await box('explain', '--name', 'nobody', '--from', 'client')
  assert.equal(lost.status, 1)
  assert.match(
    lost.stdout,
    /headless Service default\/nobody has no ready endpoint: no pod has the labels it selects, app=nobody/,
  )
  const elsewhere = await box('explain', '--name', 'kube-dns', '--from', 'client')
  assert.match(elsewhere.stdout, /but there is one of that name in namespace kube-system: .* kube-dns\.kube-system/)
})

test('answers follow a change: an endpoint that goes away is gone from the headless name', async () => {
  await kubectl('delete', 'pod', 'peer-0', '--now')
  await eventually('the name is gone', async () => (await inPod('getent', 'hosts', 'peers')).status !== 0)
})
