/** Real pods of a real agent against an API server in a variable. The runner's namespaces are the node. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import type { Container, KubeObject, Node, Pod, PodSpec } from '#api'
import type { DeleteOptions } from '#watch'
import { CONFIGMAPS, LEASES, NODES, PODS } from '#api'
import { configureNetns, inNamespacesOf, listProcesses, runCommand } from '#kernel'
import { silentLogger, systemClock } from '#lib'
import { createFakeApi } from '#watch'

import { availableFamilies, hostSysctls } from '../build-network.ts'
import { builtinImages } from './images.ts'
import { listPodRecords } from './pod-record.ts'
import { runNodeAgent } from './run-node-agent.ts'
import { eventually } from './testing/eventually.ts'
import { withGracefulPods } from './testing/graceful-pods.ts'
import { httpGet } from './testing/http-get.ts'

const families = await availableFamilies()
const dual = families.length === 2
const api = createFakeApi({ clock: systemClock })
const finalDeletes: DeleteOptions[] = []
const client = withGracefulPods(api.client, finalDeletes)
const stop = new AbortController()
const TOKEN = 'secret-token'
let runtimeDir = ''
let agent: Promise<void>

function startAgent(): Promise<void> {
  const ready = Promise.withResolvers<void>()
  agent = runNodeAgent({
    client,
    node: {
      name: 'node-1',
      addresses: dual ? ['172.18.0.11', 'fd00:172:18::11'] : ['172.18.0.11'],
      podCidrs: dual ? ['10.244.1.0/24', 'fd00:10:244:1::/64'] : ['10.244.1.0/24'],
      podGateways: dual ? ['10.244.1.1', 'fe80::1'] : ['10.244.1.1'],
    },
    runtimeDir,
    images: builtinImages(),
    dns: { address: '10.96.0.10', domain: 'cluster.local' },
    tokens: async () => ({ token: 'pod-token', caCertificate: 'CA' }),
    visible: [dirname(process.execPath), fileURLToPath(new URL('..', import.meta.url))],
    token: TOKEN,
    restartBackoff: { base: 100, max: 400 },
    onReady: ready.resolve,
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
  })
  return ready.promise
}

before(async () => {
  runtimeDir = await mkdtemp('/run/signalbox-')
  const addresses = ['addr add 172.18.0.11/32 dev lo', ...(dual ? ['addr add fd00:172:18::11/128 dev lo nodad'] : [])]
  await configureNetns({ sysctls: hostSysctls(true), lines: addresses })
  await startAgent()
})

after(async () => {
  stop.abort(new Error('test over'))
  await agent
})

type PodParts = Partial<PodSpec> & { readonly container?: Partial<Container>; readonly labels?: Record<string, string> }

async function createPod(name: string, { container, labels, ...spec }: PodParts): Promise<Pod> {
  const main = { name: 'main', image: 'signalbox/echo', ...container }
  return client.create<Pod>(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', finalizers: ['test/kubelet'], ...(labels === undefined ? {} : { labels }) },
    spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 5, containers: [main], ...spec },
  })
}

function podWhere(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> {
  return eventually(`${name}: ${what}`, async () => {
    const pod = await client.get<Pod>(PODS, { namespace: 'default', name })
    return holds(pod) ? pod : undefined
  })
}

function isReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True')
}

async function deletePod(name: string): Promise<void> {
  await client.delete(PODS, { namespace: 'default', name })
  await eventually(`${name} is gone`, async () => {
    const { items } = await client.list<Pod>(PODS)
    return items.some((pod) => pod.metadata.name === name) ? undefined : true
  })
}

async function insidePod(name: string, script: string): Promise<string> {
  const record = (await listPodRecords(runtimeDir)).find((one) => one.name === name)
  assert.ok(record, `no record of ${name}`)
  const inside = inNamespacesOf(record.pid, ['mount', 'net', 'uts', 'ipc', 'pid'], ['sh', '-c', script])
  const [file, ...args] = inside
  const { stdout, stderr } = await runCommand(file, args)
  return stdout + stderr
}

function get(path: string, token = TOKEN): Promise<{ status: number; body: string }> {
  return httpGet({ host: '172.18.0.11', port: 10_250, path, token })
}

async function askPod(host: string, port: number): Promise<Record<string, unknown>> {
  return JSON.parse((await httpGet({ host, port, path: '/x' })).body) as Record<string, unknown>
}

test('the node registers as Ready with its addresses and pod CIDRs, and renews its lease', async () => {
  const node = await client.get<Node>(NODES, { name: 'node-1' })
  assert.deepEqual(node.spec?.podCIDR, '10.244.1.0/24')
  assert.equal(node.status?.addresses?.[0]?.address, '172.18.0.11')
  assert.equal(node.status?.daemonEndpoints?.kubeletEndpoint?.Port, 10_250)
  assert.ok(node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'))
  const lease = await client.get<KubeObject & { spec: { renewTime: string } }>(LEASES, {
    namespace: 'kube-node-lease',
    name: 'node-1',
  })
  assert.match(lease.spec.renewTime, /\.\d{6}Z$/)
})

test('an echo pod becomes Ready, answers in every family, and sees itself as a pod', async () => {
  await createPod('web', {
    hostAliases: [{ ip: '10.0.0.9', hostnames: ['elder'] }],
    container: {
      readinessProbe: { httpGet: { path: '/', port: 9376 }, periodSeconds: 1 },
      env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    },
  })
  const pod = await podWhere('web', 'is ready', isReady)
  assert.equal(pod.status?.phase, 'Running')
  assert.equal(pod.status?.hostIP, '172.18.0.11')
  assert.equal(pod.status?.podIPs?.length, families.length)
  for (const { ip } of pod.status?.podIPs ?? []) {
    const answer = await askPod(ip, 9376)
    assert.equal(answer['pod'], 'web')
    assert.equal(answer['address'], ip)
  }
  assert.equal(await insidePod('web', 'hostname'), 'web\n')
  assert.equal(
    await insidePod('web', 'cat /etc/resolv.conf'),
    'nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  )
  const hosts = await insidePod('web', 'cat /etc/hosts')
  assert.match(hosts, new RegExp(`^${pod.status?.podIP}\tweb$`, 'm'))
  assert.match(hosts, /^10\.0\.0\.9\telder$/m)
  assert.equal(await insidePod('web', 'getent hosts elder | tr -s " "'), '10.0.0.9 elder\n')
  assert.equal(
    await insidePod('web', 'cd /var/run/secrets/kubernetes.io/serviceaccount; cat token namespace'),
    'pod-tokendefault',
  )
  // mount(8) keeps notes of its own in /run/mount.
  assert.equal(await insidePod('web', 'ls -A -I mount /run | tr "\\n" " "'), 'lock secrets ')
  const hostsOwn = await mkdtemp('/tmp/signalbox-of-the-host-')
  assert.doesNotMatch(await insidePod('web', 'ls -A /tmp'), /of-the-host/)
  await rm(hostsOwn, { recursive: true })
  assert.match(await insidePod('web', 'ls /sys/class/net'), /^eth0\nlo\n$/)
  assert.match(await insidePod('web', 'ps -A -o pid=,comm='), /^ +1 sleep/)
})

test('two pods of a node reach each other through the node', async () => {
  await createPod('peer', { container: { image: 'signalbox/client' } })
  await podWhere('peer', 'is ready', isReady)
  const { status } = await client.get<Pod>(PODS, { namespace: 'default', name: 'web' })
  for (const { ip } of status?.podIPs ?? []) {
    const address = ip.includes(':') ? `[${ip}]` : ip
    const answer = await insidePod(
      'peer',
      `curl -sS -m 5 http://${address}:9376/ || wget -qO- -T 5 http://${address}:9376/`,
    )
    assert.match(answer, /"pod":"web"/)
  }
})

test('an exec probe decides readiness, from inside the pod', async () => {
  const readinessProbe = { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1, failureThreshold: 1 }
  await createPod('gate', { container: { image: 'signalbox/client', readinessProbe } })
  await podWhere('gate', 'runs', (pod) => pod.status?.containerStatuses?.[0]?.started === true)
  assert.equal(isReady(await client.get<Pod>(PODS, { namespace: 'default', name: 'gate' })), false)
  await insidePod('gate', 'touch /tmp/ready')
  await podWhere('gate', 'is ready', isReady)
  await insidePod('gate', 'rm /tmp/ready')
  await podWhere('gate', 'is unready again', (pod) => !isReady(pod))
  await deletePod('gate')
})

test('a failing liveness probe restarts the container', async () => {
  const livenessProbe = { exec: { command: ['test', '!', '-e', '/tmp/sick'] }, periodSeconds: 1, failureThreshold: 1 }
  await createPod('weak', { container: { image: 'signalbox/client', livenessProbe } })
  await podWhere('weak', 'is ready', isReady)
  await insidePod('weak', 'touch /tmp/sick')
  const pod = await podWhere(
    'weak',
    'has restarted',
    (one) => (one.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
  )
  const [status] = pod.status?.containerStatuses ?? []
  assert.equal(status?.lastState?.terminated?.exitCode, 143)
  await deletePod('weak')
})

test('a crashing container is backed off, its last log can be read, and its state says why', async () => {
  await createPod('crash', { container: { image: 'x', command: ['sh', '-c', 'echo run; echo bad >&2; exit 3'] } })
  const pod = await podWhere('crash', 'is in crash loop', (one) => {
    const [status] = one.status?.containerStatuses ?? []
    return status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount >= 2
  })
  assert.equal(pod.status?.phase, 'Running')
  assert.equal(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3)
  const { status, body } = await get('/containerLogs/default/crash/main?previous=true')
  assert.equal(status, 200)
  assert.deepEqual(body.split('\n').sort(), ['', 'bad', 'run'])
  await deletePod('crash')
})

test('init containers run in order before the others, and one that fails for good fails the pod', async () => {
  const step = (name: string, script: string): Container => ({ name, image: 'x', command: ['sh', '-c', script] })
  await createPod('steps', {
    restartPolicy: 'Never',
    initContainers: [step('one', 'echo 1 >> /tmp/order'), step('two', 'echo 2 >> /tmp/order')],
    containers: [step('main', 'cat /tmp/order')],
  })
  await podWhere('steps', 'has succeeded', (pod) => pod.status?.phase === 'Succeeded')
  assert.equal((await get('/containerLogs/default/steps/main')).body, '1\n2\n')
  await deletePod('steps')
  await createPod('broken', {
    restartPolicy: 'Never',
    initContainers: [step('one', 'exit 4')],
    containers: [step('main', 'true')],
  })
  await podWhere('broken', 'has failed', (pod) => pod.status?.phase === 'Failed')
  await deletePod('broken')
})

test('what a container lacks is named in its state, and it starts once it is there', async () => {
  await createPod('lost', { container: { image: 'nginx:1.27' } })
  const lost = await podWhere(
    'lost',
    'waits',
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImagePull',
  )
  assert.match(lost.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '', /nginx:1\.27/)
  assert.equal(lost.status?.phase, 'Pending')
  await deletePod('lost')

  const env = [{ name: 'K', valueFrom: { configMapKeyRef: { name: 'conf', key: 'k' } } }]
  await createPod('needy', { container: { image: 'x', command: ['sh', '-c', 'echo $K; exec sleep 60'], env } })
  await podWhere(
    'needy',
    'waits',
    (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
  )
  const conf = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'conf', namespace: 'default' },
    data: { k: 'value' },
  }
  await client.create(CONFIGMAPS, conf)
  await podWhere('needy', 'is ready', isReady)
  await eventually('the log', async () =>
    (await get('/containerLogs/default/needy/main')).body === 'value\n' ? true : undefined,
  )
  await deletePod('needy')

  await createPod('typo', { container: { image: 'x', command: ['no-such-program'] }, restartPolicy: 'Never' })
  const typo = await podWhere('typo', 'has failed', (pod) => pod.status?.phase === 'Failed')
  assert.equal(typo.status?.containerStatuses?.[0]?.state?.terminated?.reason, 'StartError')
  await deletePod('typo')
})

test('logs need the token and follow until the container ends', async () => {
  await createPod('talk', {
    restartPolicy: 'Never',
    container: { image: 'x', command: ['sh', '-c', 'echo one; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo two'] },
  })
  await podWhere('talk', 'runs', (pod) => pod.status?.phase === 'Running')
  assert.equal((await get('/containerLogs/default/talk/main', 'wrong')).status, 401)
  assert.equal((await get('/containerLogs/default/talk/other')).status, 404)
  assert.equal((await get('/healthz', 'wrong')).body, 'ok')
  const followed = get('/containerLogs/default/talk/main?follow=true')
  await insidePod('talk', 'touch /tmp/go')
  assert.equal((await followed).body, 'one\ntwo\n')
  await deletePod('talk')
})

test('a pod that loses its namespaces gets new ones', async () => {
  await createPod('phoenix', { container: { image: 'signalbox/client' } })
  await podWhere('phoenix', 'is ready', isReady)
  const [record] = (await listPodRecords(runtimeDir)).filter((one) => one.name === 'phoenix')
  assert.ok(record)
  process.kill(record.pid, 'SIGKILL')
  await podWhere(
    'phoenix',
    'is back',
    (pod) => isReady(pod) && (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
  )
  assert.equal(await insidePod('phoenix', 'hostname'), 'phoenix\n')
  await deletePod('phoenix')
})

test('a pod in the node network shares its addresses and the host name of the node', async () => {
  const command = ['sh', '-c', 'hostname; ip -o addr show dev lo; exec sleep 60']
  await createPod('shared', { hostNetwork: true, container: { image: 'x', command } })
  const pod = await podWhere('shared', 'is ready', isReady)
  assert.equal(pod.status?.podIP, '172.18.0.11')
  await eventually('the log', async () => {
    const { body } = await get('/containerLogs/default/shared/main')
    return /^node-1\n[^]*172\.18\.0\.11/.test(body) ? true : undefined
  })
  await deletePod('shared')
})

test('a deleted pod is given its grace, then killed; nothing of it stays', async () => {
  const polite = ['sh', '-c', 'trap "sleep 0.3; echo bye; exit 0" TERM; echo armed; while :; do sleep 0.05; done']
  const rude = ['sh', '-c', 'trap "" TERM; (setsid sleep 600 &); echo armed; while :; do sleep 0.05; done']
  await createPod('leaving', {
    terminationGracePeriodSeconds: 2,
    containers: [
      { name: 'polite', image: 'x', command: polite },
      { name: 'rude', image: 'x', command: rude },
    ],
  })
  const pod = await podWhere('leaving', 'is ready', isReady)
  for (const name of ['polite', 'rude']) {
    await eventually(`${name} has set its trap`, async () => {
      const { body } = await get(`/containerLogs/default/leaving/${name}`)
      return body === 'armed\n' ? true : undefined
    })
  }
  const followed = get('/containerLogs/default/leaving/polite?follow=1')
  const begun = performance.now()
  const deletes = finalDeletes.length
  await deletePod('leaving')
  assert.ok(performance.now() - begun >= 1950, 'the grace period was not given')
  assert.equal((await followed).body, 'armed\nbye\n')
  assert.deepEqual(finalDeletes.slice(deletes), [
    { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? '' } },
  ])
  const routes = await runCommand('ip', ['route', 'show', `${pod.status?.podIP}/32`])
  assert.deepEqual(routes, { status: 0, stdout: '', stderr: '' })
})

test('after the last pod no link, process, record or file is left', async () => {
  for (const name of ['web', 'peer']) await deletePod(name)
  assert.doesNotMatch((await runCommand('ip', ['-o', 'link'])).stdout, /veth/)
  const own = (await listProcesses()).filter((entry) => entry.parent === process.pid && entry.state !== 'Z')
  assert.deepEqual(own, [])
  const sleeping = await Promise.all(
    (await listProcesses()).map((entry) => readFile(`/proc/${entry.pid}/comm`, 'utf8').catch(() => '')),
  )
  assert.ok(!sleeping.includes('sleep\n'), 'a pod process is left')
  assert.deepEqual(await listPodRecords(runtimeDir), [])
  assert.deepEqual(await readdir(`${runtimeDir}/pod-roots`), [])
  assert.deepEqual(await readdir(`${runtimeDir}/pod-logs`), [])
})
