/** A box that stays: real kubectl against it, changes that reach traffic while it runs, and a restart. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { eventually, hostState, processesMarked, ROOT, run, signalbox } from './support/run-signalbox.ts'

const mark = randomUUID()
const dir = mkdtempSync(join(tmpdir(), 'signalbox-box-'))
const stateDir = join(dir, 'state')
const env = { SIGNALBOX_TEST_MARK: mark }
const host = hostState()
const KUBECTL = process.env['SIGNALBOX_KUBECTL'] ?? 'kubectl'

let kubeconfig = ''

const kubectl = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await run(KUBECTL, [
    '--kubeconfig',
    kubeconfig,
    '--cache-dir',
    join(dir, 'kube'),
    ...args,
  ])
  assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}
const box = (...args: string[]) => signalbox([...args.slice(0, 1), '--state-dir', stateDir, ...args.slice(1)], env)
const inPod = (pod: string, ...command: string[]) => box('exec', pod, '--', ...command)

const REQUEST = `const {get} = require('node:http'); const url = process.argv[1];
const seen = {}; let left = Number(process.argv[2]); let errors = 0; const began = performance.now()
const next = () => { if (left-- <= 0) { console.log(JSON.stringify({seen, errors, milliseconds: performance.now() - began})); return }
get(url, {agent: false, timeout: 3000}, (r) => { let b = ''; r.on('data', (c) => b += c); r.on('end', () => { const p = JSON.parse(b).pod; seen[p] = (seen[p] ?? 0) + 1; next() }) })
.on('timeout', function () { this.destroy() }).on('error', () => { errors++; next() }) }; next()`

type Answers = { seen: Record<string, number>; errors: number; milliseconds: number }

async function ask(url: string, count = 40): Promise<Answers> {
  const { status, stdout, stderr } = await inPod('client', process.execPath, '-e', REQUEST, '--', url, String(count))
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Answers
}

const podsSeen = async (url: string): Promise<string[]> => Object.keys((await ask(url)).seen).sort()

before(async () => {
  const { status, stdout, stderr } = await signalbox(['up', '--detach', '--state-dir', stateDir, '--json'], env)
  assert.equal(status, 0, stderr)
  kubeconfig = (JSON.parse(stdout) as { kubeconfig: string }).kubeconfig
  await kubectl('run', 'client', '--image=signalbox/client')
  await kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=20s')
})

after(async () => {
  await box('down')
  rmSync(dir, { recursive: true, force: true })
})

test('the kubeconfig is 0600, and status is healthy with nodes and relays', async () => {
  assert.equal(statSync(kubeconfig).mode & 0o777, 0o600)
  const { status, stdout } = await box('status', '--json')
  assert.equal(status, 0)
  const { nodes, mode, relays } = JSON.parse(stdout) as {
    nodes: { name: string }[]
    mode: string
    relays: { name: string }[]
  }
  assert.deepEqual([nodes.map(({ name }) => name), mode, relays[0]?.name], [['node-1', 'node-2'], 'iptables', 'api'])
})

test('kubectl applies the demo Service, and it is served by its three pods', async () => {
  await kubectl('apply', '-f', `${ROOT}examples/my-service.yaml`)
  await kubectl('wait', '--for=condition=Ready', 'pod', '-l', 'app=MyApp', '--timeout=20s')
  await eventually('three pods answer', async () => (await podsSeen('http://my-service')).length === 3)
})

test('a Service made by hand is served within a second of its creation', async () => {
  await kubectl('create', 'service', 'clusterip', 'by-hand', '--tcp=80:9376')
  await kubectl('patch', 'service', 'by-hand', '--type=merge', '-p', '{"spec":{"selector":{"app":"MyApp"}}}')
  await eventually('it answers', async () => (await ask('http://by-hand', 1)).errors === 0, 1.5)
})

test('a fourth pod takes its share, a deleted one loses it, and another selector takes effect', async () => {
  await kubectl('run', 'my-app-4', '--image=signalbox/echo', '--labels=app=MyApp', '--env=PORT=9376')
  await eventually('the fourth pod answers', async () => (await podsSeen('http://my-service')).includes('my-app-4'))
  await kubectl('delete', 'pod', 'my-app-1', '--now')
  await eventually('the deleted one does not', async () => !(await podsSeen('http://my-service')).includes('my-app-1'))
  assert.equal((await ask('http://my-service', 100)).errors, 0)
  await kubectl('label', 'pod', 'my-app-2', 'only=this')
  await kubectl('patch', 'service', 'my-service', '-p', '{"spec":{"selector":{"only":"this"}}}')
  await eventually(
    'only the selected one answers',
    async () => (await podsSeen('http://my-service')).join() === 'my-app-2',
  )
})

test('a Service without endpoints refuses at once', async () => {
  await kubectl('patch', 'service', 'my-service', '-p', '{"spec":{"selector":{"only":"nobody"}}}')
  await eventually('it refuses', async () => (await ask('http://my-service', 5)).errors === 5)
  const { errors, milliseconds } = await ask('http://my-service', 20)
  assert.equal(errors, 20)
  assert.ok(milliseconds < 2000, `20 refusals took ${milliseconds} ms`)
  const { status, stdout } = await box('explain', 'my-service', '--from', 'client')
  assert.equal(status, 1)
  assert.match(stdout, /refused at once \(icmp-port-unreachable\)/)
  await kubectl(
    'patch',
    'service',
    'my-service',
    '--type=json',
    '-p',
    '[{"op":"replace","path":"/spec/selector","value":{"app":"MyApp"}}]',
  )
  await eventually('three pods answer again', async () => (await podsSeen('http://my-service')).length === 3)
})

test('a node port answers from outside the cluster and through its relay on loopback', async () => {
  await kubectl('patch', 'service', 'my-service', '-p', '{"spec":{"type":"NodePort"}}')
  const nodePort = (await kubectl('get', 'service', 'my-service', '-o', 'jsonpath={.spec.ports[0].nodePort}')).trim()
  const outside = [
    'shell',
    'client',
    '--',
    process.execPath,
    '-e',
    REQUEST,
    '--',
    `http://172.18.0.11:${nodePort}`,
    '3',
  ]
  await eventually(
    'it answers outside',
    async () => (JSON.parse((await box(...outside)).stdout) as Answers).errors === 0,
  )
  const { stdout } = await box('status', '--json')
  const { relays } = JSON.parse(stdout) as { relays: { name: string; listen: string }[] }
  const relay = relays.find(({ name }) => name.includes('my-service'))
  assert.ok(relay, stdout)
  const body = (await (await fetch(`http://${relay.listen}/`)).json()) as { pod: string }
  assert.match(body.pod, /^my-app-/)
})

test('explain names the endpoints with exactly equal probability, for the cluster IP and for the node port', async () => {
  const ask = async (...args: string[]) => {
    const { status, stdout, stderr } = await box('explain', ...args, '--json')
    assert.equal(status, 0, stderr)
    return (JSON.parse(stdout) as { endpoints: { probability: string }[] }).endpoints.map(
      ({ probability }) => probability,
    )
  }
  assert.deepEqual(await ask('my-service', '--from', 'client'), ['1/3', '1/3', '1/3'])
  const nodePort = (await kubectl('get', 'service', 'my-service', '-o', 'jsonpath={.spec.ports[0].nodePort}')).trim()
  assert.deepEqual(await ask('--to', `172.18.0.12:${nodePort}/TCP`, '--from', 'outside'), ['1/3', '1/3', '1/3'])
})

test('DNS from a pod: search domains, NXDOMAIN for no such service, and the system resolver', async () => {
  const lookup = (name: string) =>
    inPod(
      'client',
      process.execPath,
      '-e',
      `require('node:dns').lookup(process.argv[1], {all: true}, (e, a) => console.log(e ? e.code : a.map((x) => x.address).join()))`,
      '--',
      name,
    )
  const clusterIP = (await kubectl('get', 'service', 'my-service', '-o', 'jsonpath={.spec.clusterIP}')).trim()
  for (const name of ['my-service', 'my-service.default', 'my-service.default.svc.cluster.local']) {
    assert.equal((await lookup(name)).stdout.trim(), clusterIP, name)
  }
  assert.equal((await lookup('no-such-service.default.svc.cluster.local.')).stdout.trim(), 'ENOTFOUND')
  // Nobody is asked about names outside the cluster: they are refused, and the resolver says so at once.
  assert.equal((await lookup('example.org.')).stdout.trim(), 'EAI_AGAIN')
})

test('logs, exec and the pod’s own host name', async () => {
  assert.equal((await inPod('client', 'hostname')).stdout.trim(), 'client')
  assert.match(await kubectl('logs', 'my-app-2'), /\S/)
  assert.equal((await inPod('client', 'sh', '-c', 'exit 7')).status, 7)
})

test('objects survive a restart of the box, and the old kubeconfig still leads to it', async () => {
  writeFileSync(join(dir, 'cm.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {a: b}\n')
  await kubectl('apply', '-f', join(dir, 'cm.yaml'))
  assert.equal((await box('down')).status, 0)
  await eventually('every process has ended', () => processesMarked(mark).length === 0)
  assert.deepEqual(hostState(), host)
  const { status, stderr } = await signalbox(['up', '--detach', '--state-dir', stateDir], env)
  assert.equal(status, 0, stderr)
  assert.equal(await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b')
  await eventually('the Service is served again', async () => (await podsSeen('http://my-service')).length === 3, 20)
})

test('a second box in the same folder is refused, and after down nothing is left', async () => {
  const { status, stderr } = await signalbox(['up', '--detach', '--state-dir', stateDir], env)
  assert.equal(status, 1)
  assert.match(stderr, /already running/)
  assert.equal((await box('down')).status, 0)
  assert.equal((await box('status')).status, 1)
  await eventually('every process has ended', () => processesMarked(mark).length === 0)
  assert.deepEqual(hostState(), host)
})
