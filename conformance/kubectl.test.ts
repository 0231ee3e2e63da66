/**
 * Unmodified kubectl against the embedded API server (api-server.md 4). Every command must do what it does against
 * kube-apiserver; old versions (OpenAPI v2, legacy discovery) as well as new ones (protobuf bodies, OpenAPI v3).
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'

import type { Kubectl } from './kubectl.ts'
import { kubectlBinaries, startKubectl } from './kubectl.ts'

const MANIFEST = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      selector: { app: 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 9376 },
        { name: 'https', port: 443, targetPort: 9377 },
      ],
    },
  },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: '1' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pass' }, data: { p: 'aHVudGVyMg==' } },
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'runner' } },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-1', labels: { app: 'web' } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo', ports: [{ containerPort: 9376 }] }] },
  },
  {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader' },
    spec: { holderIdentity: 'me', leaseDurationSeconds: 10 },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.244.1.3'], conditions: { ready: true } }],
    ports: [{ name: 'http', port: 9376, protocol: 'TCP' }],
  },
  {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'manual' },
    subsets: [{ addresses: [{ ip: '10.244.1.9' }], ports: [{ port: 9376, protocol: 'TCP' }] }],
  },
  {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'web-1.started' },
    involvedObject: { kind: 'Pod', namespace: 'default', name: 'web-1' },
    reason: 'Started',
    message: 'container is up',
    type: 'Normal',
  },
]
const KINDS = MANIFEST.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`)

function list(change: (text: string) => string = (text) => text, kind?: string): string {
  const items = MANIFEST.filter((object) => kind === undefined || object.kind === kind)
  return change(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

const binaries = kubectlBinaries()

describe(
  'kubectl',
  { skip: binaries.length > 0 ? false : 'no kubectl: set SIGNALBOX_KUBECTL or put one on PATH' },
  () => {
    it('is there', () => assert.ok(binaries.length > 0))
  },
)

for (const binary of binaries) {
  describe(basename(binary) === 'kubectl' ? binary : basename(binary), () => {
    let k: Kubectl
    let daemon: Server
    let minor = 0
    before(async () => {
      k = await startKubectl(binary)
      daemon = createServer((request, response) => response.end(`log of ${request.url?.split('?', 1)[0]}\n`))
      await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve))
      const { port: Port } = daemon.address() as AddressInfo
      const status = {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port } },
      }
      await k.ok(
        ['create', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' }, status }),
      )
      const version = JSON.parse(await k.ok(['version', '-o', 'json'])) as {
        clientVersion: { minor: string }
        serverVersion: { minor: string }
      }
      minor = Number.parseInt(version.clientVersion.minor, 10)
      assert.equal(version.serverVersion.minor, '36')
    })
    after(async () => {
      daemon.closeAllConnections()
      daemon.close()
      await k.close()
    })

    it('lists what it can work with', async () => {
      const names = (await k.ok(['api-resources', '-o', 'name'])).split('\n')
      for (const name of ['pods', 'services', 'endpointslices.discovery.k8s.io', 'leases.coordination.k8s.io'])
        assert.ok(names.includes(name), name)
      assert.match(await k.ok(['explain', 'service.spec.ports']), /targetPort/)
    })

    it('applies every kind, twice, then changed', async () => {
      assert.match(await k.ok(['apply', '-f', '-'], list()), /service\/web created/)
      assert.doesNotMatch(await k.ok(['apply', '-f', '-'], list()), /configured|created/)
      const changed = await k.ok(
        ['apply', '-f', '-'],
        list((text) => text.replace('"port":80,', '"port":81,')),
      )
      assert.match(changed, /service\/web configured/)
      const ports = await k.ok(['get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[*].port}'])
      assert.equal(ports, '81 443', 'the old port went, the order stayed')
    })

    it('shows them as tables, wide, YAML, JSON path and names', async () => {
      for (const kind of KINDS) {
        const name = kind.slice(kind.indexOf('/') + 1)
        assert.match(
          await k.ok(['get', kind]),
          kind.startsWith('event') ? /Started/ : new RegExp(`NAME[\\s\\S]*${name}`),
          kind,
        )
        assert.match(await k.ok(['get', kind, '-o', 'yaml']), new RegExp(`name: ${name.replace('.', '\\.')}`))
      }
      assert.match(
        await k.ok(['get', 'svc', 'web', '-o', 'wide']),
        /SELECTOR\s+web\s+ClusterIP\s+10\.96\.\d+\.\d+\s+<none>\s+81\/TCP,443\/TCP\s+\S+\s+app=web/,
      )
      assert.match(await k.ok(['get', 'all']), /pod\/web-1[\s\S]*service\/web/)
      assert.match(await k.ok(['get', 'svc', '-A', '--sort-by=.metadata.name']), /kubernetes[\s\S]*web/)
      assert.match(await k.ok(['get', 'svc', '--chunk-size=1', '-o', 'name']), /service\/kubernetes\nservice\/web/)
      assert.equal(await k.ok(['get', 'pods', '--field-selector', 'spec.nodeName=node-1', '-o', 'name']), 'pod/web-1\n')
      assert.equal(await k.ok(['get', 'pods', '-l', 'app!=web', '-o', 'name']), '')
    })

    it('describes with events and endpoints', async () => {
      const service = await k.ok(['describe', 'svc', 'web'])
      assert.match(service, /IP Families:\s+IPv4/)
      if (minor >= 31) assert.match(service, /Endpoints:\s+10\.244\.1\.3:9376/)
      assert.match(await k.ok(['describe', 'pod', 'web-1']), /Node:\s+node-1/)
      assert.match(await k.ok(['describe', 'node', 'node-1']), /InternalIP:\s+127\.0\.0\.1/)
    })

    it('patches in all three ways, labels, annotates and edits', async () => {
      await k.ok(['patch', 'svc', 'web', '-p', '{"spec":{"type":"NodePort"}}'])
      await k.ok(['patch', 'cm', 'settings', '--type=merge', '-p', '{"data":{"b":"2"}}'])
      await k.ok(['patch', 'cm', 'settings', '--type=json', '-p', '[{"op":"remove","path":"/data/a"}]'])
      assert.equal(await k.ok(['get', 'cm', 'settings', '-o', 'jsonpath={.data}']), '{"b":"2"}')
      assert.match(await k.ok(['get', 'svc', 'web']), /NodePort.*81:3\d{4}\/TCP/)
      await k.ok(['label', 'pod', 'web-1', 'tier=front'])
      await k.ok(['annotate', 'pod', 'web-1', 'note=yes'])
      assert.equal(await k.ok(['get', 'pods', '-l', 'tier=front', '-o', 'name']), 'pod/web-1\n')
      const edited = await k.run(['edit', 'svc', 'web'], { env: { KUBE_EDITOR: 'sed -i s/9376/9999/' } })
      assert.equal(edited.code, 0, edited.stderr)
      assert.equal(await k.ok(['get', 'svc', 'web', '-o', 'jsonpath={.spec.ports[0].targetPort}']), '9999')
    })

    it('creates by generator (protobuf bodies since 1.32) and exposes', async () => {
      await k.ok(['create', 'namespace', 'other'])
      await k.ok(['create', 'configmap', 'lit', '--from-literal=a=b'])
      await k.ok(['create', 'secret', 'generic', 'gen', '--from-literal=a=b'])
      await k.ok(['create', 'serviceaccount', 'robot'])
      if (minor >= 19) await k.ok(['create', 'service', 'clusterip', 'cs', '--tcp=5678:8080'])
      assert.equal(
        await k.ok(['get', 'svc', 'cs', '-o', 'jsonpath={.spec.ports[0].port} {.spec.ports[0].targetPort}']),
        '5678 8080',
      )
      await k.ok(['expose', 'pod', 'web-1', '--port=99', '--name=exposed'])
      assert.equal(await k.ok(['get', 'svc', 'exposed', '-o', 'jsonpath={.spec.selector.app}']), 'web')
      assert.match(await k.ok(['run', 'once', '--image=echo', '--restart=Never']), /pod\/once created/)
    })

    it('applies on the server, with owners and conflicts', async () => {
      const object = (data: object): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owned' }, data })
      await k.ok(['apply', '--server-side', '-f', '-'], object({ a: '1', b: '1' }))
      await k.ok(['apply', '--server-side', '-f', '-'], object({ a: '1' }))
      assert.equal(await k.ok(['get', 'cm', 'owned', '-o', 'jsonpath={.data}']), '{"a":"1"}')
      await k.ok(['patch', 'cm', 'owned', '-p', '{"data":{"a":"2"}}'])
      const refused = await k.run(['apply', '--server-side', '-f', '-'], { input: object({ a: '3' }) })
      assert.match(refused.stderr, /Apply failed with 1 conflict: conflict with "kubectl-patch" using v1.*: \.data\.a/)
      await k.ok(['apply', '--server-side', '--force-conflicts', '-f', '-'], object({ a: '3' }))
      const moved = (data: object): string => object(data).replace('"owned"', '"moved"')
      await k.ok(['apply', '-f', '-'], moved({ a: '1', b: '1' }))
      await k.ok(['apply', '--server-side', '--force-conflicts', '-f', '-'], moved({ a: '1' }))
      // Since 1.26 kubectl takes over what it applied on the client before.
      const left = minor >= 26 ? '{"a":"1"}' : '{"a":"1","b":"1"}'
      assert.equal(await k.ok(['get', 'cm', 'moved', '-o', 'jsonpath={.data}']), left)
    })

    it('moves from client-side to server-side apply and back without force, with every manager named', async () => {
      const object = (data: object): string =>
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'migrated' }, data })
      const managers = async (): Promise<string> =>
        k.ok([
          'get',
          'cm',
          'migrated',
          '-o',
          'jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}',
        ])
      const data = (): Promise<string> => k.ok(['get', 'cm', 'migrated', '-o', 'jsonpath={.data}'])
      await k.ok(['apply', '-f', '-'], object({ a: '1', b: '1' }))
      assert.equal(await managers(), 'kubectl-client-side-apply/Update ')
      await k.ok(['patch', 'cm', 'migrated', '-p', '{"data":{"c":"1"}}'])
      await k.ok(['apply', '--server-side', '-f', '-'], object({ a: '2' }))
      // Since 1.26 kubectl hands its old manager's fields to the new one and applies again, so that `b` goes.
      assert.equal(await data(), minor >= 26 ? '{"a":"2","c":"1"}' : '{"a":"2","b":"1","c":"1"}')
      if (minor >= 26) assert.equal(await managers(), 'kubectl/Apply kubectl-last-applied/Apply kubectl-patch/Update ')
      await k.ok(['apply', '-f', '-'], object({ a: '3' }))
      assert.match(await data(), /"a":"3"/)
      await k.ok(['patch', 'cm', 'migrated', '--type=merge', '-p', '{"metadata":{"managedFields":[]}}'])
      assert.equal(await managers(), '')
    })

    it('tells what is wrong', async () => {
      const twice = await k.run(['create', 'namespace', 'other'])
      assert.match(twice.stderr, /AlreadyExists\): .*namespaces "other" already exists/)
      const missing = await k.run(['get', 'svc', 'nope'])
      assert.equal(missing.stderr.trim().split('\n').at(-1), 'Error from server (NotFound): services "nope" not found')
      const invalid = await k.run(['apply', '--validate=false', '-f', '-'], {
        input: list((text) => text.replace('"port":80,', '"port":80000,'), 'Service'),
      })
      assert.match(
        invalid.stderr,
        /spec\.ports\[0\]\.port: Invalid value: 80000: must be between 1 and 65535, inclusive/,
      )
      const unknown = await k.run(['apply', '-f', '-'], {
        input: list((text) => text.replace('"selector"', '"selectro"'), 'Service'),
      })
      assert.match(unknown.stderr, /unknown field "?(spec\.)?selectro/)
      const kind = await k.run(['get', 'frobs'])
      assert.match(kind.stderr, /the server doesn't have a resource type "frobs"/)
    })

    it('runs dry and shows differences without storing', async () => {
      assert.match(
        await k.ok(
          ['apply', '--dry-run=server', '-f', '-'],
          list((text) => text.replace('"a":"1"', '"a":"9"')),
        ),
        /configmap\/settings configured \(server dry run\)/,
      )
      const diff = await k.run(['diff', '-f', '-'], { input: list((text) => text.replace('"a":"1"', '"a":"9"')) })
      assert.equal(diff.code, 1, diff.stderr)
      assert.match(diff.stdout, /\+\s+a: "9"/)
      assert.equal(await k.ok(['get', 'cm', 'settings', '-o', 'jsonpath={.data}']), '{"b":"2"}')
    })

    it('watches and waits', async () => {
      const watch = k.follow(['get', 'cm', '-w'])
      await watch.until(/settings/)
      await k.ok(['create', 'configmap', 'fresh', '--from-literal=a=b'])
      await watch.until(/fresh\s+1/)
      watch.stop()
      const single = k.follow(['get', 'cm', 'settings', '-w', '-o', 'name'])
      await single.until(/configmap\/settings/)
      await k.ok(['label', 'cm', 'settings', 'x=y'])
      await single.until(/configmap\/settings\nconfigmap\/settings/)
      single.stop()
      const waiting = k.follow(['wait', '--for=condition=Ready', 'pod/web-1', '--timeout=60s'])
      const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } }
      if (minor >= 24) {
        await k.ok(['patch', 'pod', 'web-1', '--subresource=status', '--type=merge', '-p', JSON.stringify(body)])
        await waiting.until(/condition met/)
      }
      waiting.stop()
      const timeout = await k.run(['wait', '--for=condition=Never', 'pod/web-1', '--timeout=1s'])
      assert.match(timeout.stderr, /timed out waiting for the condition/)
    })

    it('reads logs through the node', async () => {
      assert.equal(await k.ok(['logs', 'web-1']), 'log of /containerLogs/default/web-1/main\n')
      assert.equal(
        await k.ok(['logs', 'web-1', '-c', 'main', '--tail=3']),
        'log of /containerLogs/default/web-1/main\n',
      )
    })

    it('answers questions about the user', async () => {
      assert.equal((await k.run(['auth', 'can-i', 'delete', 'pods'])).stdout, 'yes\n')
      if (minor >= 28) assert.match(await k.ok(['auth', 'whoami']), /Username\s+admin/)
    })

    it('replaces, and deletes by file, selector, cascade and force', async () => {
      const file = join(k.folder, 'list.json')
      const services = MANIFEST.filter(({ kind }) => kind === 'Service' || kind === 'ConfigMap')
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: services }))
      assert.match(await k.ok(['replace', '-f', file]), /configmap\/settings replaced/)
      assert.match(await k.ok(['delete', '-f', file]), /service "web" deleted/)
      await k.ok(['delete', 'cm', 'lit', minor >= 20 ? '--cascade=foreground' : '--cascade=true'])
      await k.ok(['delete', 'pod', 'once', '--now'])
      await k.ok(['delete', 'pod', 'web-1', '--force', '--grace-period=0'])
      await k.ok(['delete', 'secrets,sa,leases,endpointslices', '--all'])
      assert.equal(await k.ok(['get', 'secrets,sa,leases,endpointslices', '-o', 'name']), '')
      const protectedOne = await k.run(['delete', 'ns', 'kube-system'])
      assert.match(protectedOne.stderr, /namespaces "kube-system" is forbidden: this namespace may not be deleted/)
      assert.match(await k.ok(['delete', 'ns', 'other', '--wait=false']), /deleted/)
      assert.match(await k.ok(['get', 'ns', 'other']), /Terminating/)
    })
  })
}
