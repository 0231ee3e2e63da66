/**
 * The kinds around Services with unmodified kubectl: Ingress, ServiceCIDR and IPAddress, both Event APIs, RBAC objects,
 * and Deployments with their controllers, which run with no more rights than they have in a box.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, before, describe, it } from 'node:test'

import type { Cluster } from './cluster.ts'
import { readersOf, startCluster } from './cluster.ts'
import { kubectlBinaries } from './kubectl.ts'

const INGRESS_CLASS = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'house', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
  spec: { controller: 'example.com/ingress' },
}

function ingress(name: string, path: object = {}): string {
  const backend = { service: { name: 'web', port: { number: 80 } } }
  const paths = [{ path: '/', pathType: 'Prefix', backend, ...path }]
  return JSON.stringify({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name },
    spec: { rules: [{ host: 'web.example.com', http: { paths } }] },
  })
}

for (const binary of kubectlBinaries()) {
  describe(`kinds: ${basename(binary) === 'kubectl' ? binary : basename(binary)}`, () => {
    let k: Cluster
    const { words, names, rows, eventually } = readersOf(() => k)
    const rolledOut = (name: string): Promise<string> =>
      k.ok(['rollout', 'status', `deployment/${name}`, '--timeout=50s'])

    before(async () => {
      k = await startCluster(binary)
    })
    after(async () => {
      await k.stop()
    })

    it('Ingress: default class, columns, update, and what is wrong with one', async () => {
      await k.ok(['apply', '-f', '-'], JSON.stringify(INGRESS_CLASS))
      await k.ok(['apply', '-f', '-'], ingress('site'))
      assert.deepEqual((await rows('ingress', 'site'))[0]?.slice(0, 4), ['site', 'house', 'web.example.com', '80'])
      assert.deepEqual((await rows('ingressclass'))[0]?.slice(0, 3), ['house', 'example.com/ingress', '<none>'])
      const generation = ['get', 'ingress', 'site', '-o', 'jsonpath={.metadata.generation}']
      assert.equal(await k.ok(generation), '1')
      await k.ok(['apply', '-f', '-'], ingress('site', { path: '/app' }))
      assert.equal(await k.ok(generation), '2')
      await k.ok(['create', 'ingress', 'made', '--class=house', '--rule=a.example.com/x*=web:80,tls=cert'])
      assert.equal(
        await k.ok(['get', 'ing', 'made', '-o', 'jsonpath={.spec.rules[0].http.paths[0].pathType}']),
        'Prefix',
      )
      const refused = await k.run(['apply', '-f', '-'], { input: ingress('bad', { path: 'x', pathType: 'Exact' }) })
      assert.equal(refused.code, 1)
      assert.match(refused.stderr, /must be an absolute path/)
      assert.match(await k.ok(['describe', 'ingress', 'site']), /web\.example\.com\s+\/app\s+web:80/)
      await k.ok(['delete', 'ingress', '--all'])
      assert.deepEqual(await names('ingress'), [])
    })

    it('ServiceCIDR and IPAddress: one address object per cluster IP, more ranges, deletion that waits', async () => {
      assert.deepEqual((await rows('servicecidr'))[0]?.slice(0, 2), ['kubernetes', '10.96.0.0/16,fd00:10:96::/112'])
      await k.ok(['create', 'service', 'clusterip', 'numbers', '--tcp=80:80', '--clusterip=10.96.0.50'])
      const addresses = await rows('ipaddress')
      assert.ok(addresses.some(([name, parent]) => name === '10.96.0.50' && parent === 'services/default/numbers'))
      const range = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'more' } }
      await k.ok(['create', '-f', '-'], JSON.stringify({ ...range, spec: { cidrs: ['10.97.0.0/28'] } }))
      await k.ok(['create', 'service', 'clusterip', 'extra', '--tcp=80:80', '--clusterip=10.97.0.3'])
      await k.ok(['delete', 'servicecidr', 'more', '--wait=false'])
      assert.deepEqual(await names('servicecidr'), ['kubernetes', 'more'])
      const late = await k.run(['create', 'service', 'clusterip', 'late', '--tcp=80:80', '--clusterip=10.97.0.4'])
      assert.match(late.stderr, /does not match the current range/)
      await k.ok(['delete', 'service', 'extra', 'numbers'])
      await eventually('the range goes', async () => (await names('servicecidr')).length === 1)
      assert.ok(!(await names('ipaddress')).includes('10.96.0.50'))
    })

    it('Events: one object under two APIs', async () => {
      const event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'seen', namespace: 'default' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
        reportingController: 'example.com/test',
        reportingInstance: 'one',
        action: 'Looking',
        reason: 'Seen',
        note: 'hello',
        type: 'Normal',
      }
      await k.ok(['create', '-f', '-'], JSON.stringify(event))
      const text = await k.ok([
        'get',
        'events.v1.',
        'seen',
        '-o',
        'jsonpath={.message} {.involvedObject.name} {.apiVersion}',
      ])
      assert.equal(text, 'hello p v1')
      const both = await k.ok(['get', 'events.v1.events.k8s.io', 'seen', '-o', 'jsonpath={.note} {.apiVersion}'])
      assert.equal(both, 'hello events.k8s.io/v1')
      const watch = k.follow(['get', 'events.v1.events.k8s.io', '--watch', '-o', 'name'])
      await watch.until(/seen/)
      await k.ok(['annotate', 'events.v1.', 'seen', 'a=b'])
      await watch.until(/seen[^]*seen/)
      watch.stop()
      await k.ok([
        'patch',
        'events.v1.events.k8s.io',
        'seen',
        '--type=merge',
        '-p',
        '{"series":{"count":2,"lastObservedTime":"2026-01-01T00:01:00.000000Z"}}',
      ])
      assert.equal(await k.ok(['get', 'events.v1.', 'seen', '-o', 'jsonpath={.series.count}']), '2')
      await k.ok(['delete', 'events.v1.events.k8s.io', 'seen'])
      assert.ok(!(await names('events.v1.')).includes('seen'))
    })

    it('apply with the checks of the client: Ingress, Deployment, and a field that is none', async () => {
      const ingress = (over: object): string =>
        JSON.stringify({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          metadata: { name: 'applied' },
          spec: {
            rules: [
              {
                host: 'www.example.com',
                http: {
                  paths: [
                    { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
                  ],
                },
              },
            ],
            ...over,
          },
        })
      const deployment = (replicas: number, containers: object[]): string =>
        JSON.stringify({
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'applied' },
          spec: {
            replicas,
            selector: { matchLabels: { app: 'applied' } },
            template: { metadata: { labels: { app: 'applied' } }, spec: { containers } },
          },
        })
      const main = { name: 'main', image: 'echo:1' }
      assert.match(await k.ok(['apply', '-f', '-'], ingress({})), /created/)
      assert.match(await k.ok(['apply', '-f', '-'], ingress({ ingressClassName: 'lab' })), /configured/)
      assert.equal(await k.ok(['get', 'ing', 'applied', '-o', 'jsonpath={.spec.ingressClassName}']), 'lab')
      assert.match(
        await k.ok(['apply', '-f', '-'], deployment(0, [main, { name: 'side', image: 'echo:1' }])),
        /created/,
      )
      assert.match(await k.ok(['apply', '-f', '-'], deployment(0, [{ ...main, image: 'echo:2' }])), /configured/)
      assert.match(await k.ok(['apply', '-f', '-'], deployment(0, [{ ...main, image: 'echo:2' }])), /unchanged/)
      const images = ['get', 'deployment', 'applied', '-o', 'jsonpath={.spec.template.spec.containers[*].image}']
      assert.equal(await k.ok(images), 'echo:2')
      const wrong = await k.run(['apply', '-f', '-'], { input: deployment(0, [{ ...main, bogus: 1 }]) })
      assert.equal(wrong.code, 1)
      assert.match(wrong.stderr, /unknown field.*bogus|bogus.*unknown field/)
      await k.ok(['delete', 'ing/applied', 'deploy/applied'])
    })

    it('RBAC objects: the generators and their columns', async () => {
      await k.ok(['create', 'role', 'reader', '--verb=get,list', '--resource=pods'])
      await k.ok(['create', 'rolebinding', 'readers', '--role=reader', '--user=bob', '--serviceaccount=default:runner'])
      await k.ok(['create', 'clusterrole', 'health', '--verb=get', '--non-resource-url=/healthz'])
      await k.ok(['create', 'clusterrolebinding', 'healthy', '--clusterrole=health', '--group=everybody'])
      assert.equal((await rows('role'))[0]?.[0], 'reader')
      assert.deepEqual((await rows('rolebinding'))[0]?.slice(0, 2), ['readers', 'Role/reader'])
      assert.deepEqual((await rows('clusterrolebinding', 'healthy'))[0]?.slice(0, 2), ['healthy', 'ClusterRole/health'])
      assert.match(await k.ok(['describe', 'rolebinding', 'readers']), /ServiceAccount\s+runner\s+default/)
    })

    it('RBAC in force: can-i, its list, what is refused, and a change at once', async () => {
      const canI = async (...args: string[]): Promise<string> =>
        (await k.run(['auth', 'can-i', ...args, '--as=bob'])).stdout.trim().split('\n')[0] ?? ''
      assert.ok((await names('clusterroles')).includes('system:node-proxier'))
      assert.equal(await canI('list', 'pods'), 'yes')
      assert.match(await canI('delete', 'pods'), /^no/)
      assert.match(await canI('list', 'pods', '-n', 'kube-system'), /^no/)
      assert.match(await canI('get', '/metrics'), /^no/)
      assert.equal(await canI('get', '/version'), 'yes')
      const listed = await k.ok(['auth', 'can-i', '--list', '--as=bob'])
      assert.match(listed, /pods\s+\[\]\s+\[\]\s+\[get list\]/)
      assert.match(listed, /selfsubjectaccessreviews\.authorization\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/)
      assert.equal((await k.run(['get', 'pods', '--as=bob'])).code, 0)
      const refused = await k.run(['get', 'secrets', '--as=bob'])
      assert.match(
        refused.stderr,
        /secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "default"/,
      )
      await k.ok(['create', 'rolebinding', 'editors', '--clusterrole=edit', '--user=bob'])
      assert.equal(await canI('create', 'secrets'), 'yes')
      assert.match(await canI('create', 'rolebindings'), /^no/)
      await k.ok(['delete', 'rolebinding', 'editors'])
      assert.match(await canI('create', 'secrets'), /^no/)
    })

    it('Deployment: create, scale, expose, update, history, undo, restart', async () => {
      await k.ok(['create', 'deployment', 'web', '--image=echo:1', '--replicas=3', '--port=9376'])
      assert.match(await rolledOut('web'), /successfully rolled out/)
      assert.equal((await names('pods', '-l', 'app=web')).length, 3)
      assert.deepEqual((await rows('deployment', 'web'))[0]?.slice(0, 4), ['web', '3/3', '3', '3'])
      const [set] = await rows('rs', '-l', 'app=web')
      assert.match(set?.[0] ?? '', /^web-[a-z0-9]+$/)
      assert.deepEqual(set?.slice(1, 4), ['3', '3', '3'])

      await k.ok(['scale', 'deployment', 'web', '--replicas=5'])
      await rolledOut('web')
      assert.equal((await names('pods', '-l', 'app=web')).length, 5)
      const mismatch = await k.run(['scale', 'deployment', 'web', '--current-replicas=4', '--replicas=1'])
      assert.equal(mismatch.code, 1)
      await k.ok(['scale', 'deployment', 'web', '--replicas=2'])
      await rolledOut('web')
      await eventually('two pods are left', async () => (await names('pods', '-l', 'app=web')).length === 2)

      await k.ok(['expose', 'deployment', 'web', '--port=80', '--target-port=9376'])
      assert.equal(
        await k.ok(['get', 'svc', 'web', '-o', 'jsonpath={.spec.selector.app} {.spec.ports[0].targetPort}']),
        'web 9376',
      )

      await k.ok(['set', 'image', 'deployment/web', '*=echo:2'])
      await rolledOut('web')
      const images = (): Promise<readonly string[]> =>
        words(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].spec.containers[0].image}'])
      await eventually('only new pods', async () => (await images()).join() === 'echo:2,echo:2')
      assert.match(await k.ok(['rollout', 'history', 'deployment/web']), /\n1 [^]*\n2 /)
      await k.ok(['rollout', 'undo', 'deployment/web'])
      await rolledOut('web')
      await eventually('the old image again', async () => (await images()).join() === 'echo:1,echo:1')
      assert.match(await k.ok(['rollout', 'history', 'deployment/web']), /\n2 [^]*\n3 /)
      assert.equal((await names('rs', '-l', 'app=web')).length, 2)
      await k.ok(['rollout', 'restart', 'deployment/web'])
      await rolledOut('web')
      assert.equal((await names('rs', '-l', 'app=web')).length, 3)
      assert.match(await k.ok(['describe', 'deployment', 'web']), /ScalingReplicaSet/)
    })

    it('Deployment: paused, it waits; a pod that goes is replaced; an orphan is adopted', async () => {
      await k.ok(['rollout', 'pause', 'deployment/web'])
      const sets = (await names('rs', '-l', 'app=web')).length
      await k.ok(['set', 'image', 'deployment/web', '*=echo:3'])
      await eventually(
        'seen',
        async () =>
          (await k.ok(['get', 'deploy', 'web', '-o', 'jsonpath={.status.observedGeneration}'])) ===
          (await k.ok(['get', 'deploy', 'web', '-o', 'jsonpath={.metadata.generation}'])),
      )
      assert.equal((await names('rs', '-l', 'app=web')).length, sets)
      await k.ok(['rollout', 'resume', 'deployment/web'])
      await rolledOut('web')
      const [victim] = await names('pods', '-l', 'app=web')
      await k.ok(['delete', 'pod', victim ?? ''])
      await eventually('another pod', async () => {
        const now = await names('pods', '-l', 'app=web')
        return now.length === 2 && !now.includes(victim ?? '')
      })
      const [released] = await names('pods', '-l', 'app=web')
      await k.ok(['label', 'pod', released ?? '', 'pod-template-hash=mine', '--overwrite'])
      const owners = ['get', 'pod', released ?? '', '-o', 'jsonpath={.metadata.ownerReferences[*].name}']
      await eventually('released', async () => (await k.ok(owners)) === '')
      await eventually('replaced', async () => (await names('pods', '-l', 'app=web')).length === 3)
      await k.ok(['delete', 'pod', released ?? ''])
    })

    it('Deployment: Recreate ends the old pods before it starts new ones', async () => {
      await k.ok(['create', 'deployment', 'one', '--image=echo:1'])
      await k.ok([
        'patch',
        'deployment',
        'one',
        '-p',
        '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}',
      ])
      await rolledOut('one')
      await k.ok(['set', 'image', 'deployment/one', '*=echo:2'])
      await rolledOut('one')
      await eventually('one new pod', async () => {
        const found = await words([
          'get',
          'pods',
          '-l',
          'app=one',
          '-o',
          'jsonpath={.items[*].spec.containers[0].image}',
        ])
        return found.join() === 'echo:2'
      })
      const events = await k.ok([
        'get',
        'events',
        '--field-selector=involvedObject.name=one',
        '-o',
        'jsonpath={.items[*].message}',
      ])
      assert.match(events, /Scaled down replica set one-\S+ from 1 to 0[^]*Scaled up replica set one-\S+ from 0 to 1/)
    })

    it('deletion takes what belongs to a Deployment along, or leaves it', async () => {
      await k.ok(['delete', 'deployment', 'web'])
      await eventually('all gone', async () => (await names('rs,pods', '-l', 'app=web')).length === 0)
      await k.ok(['delete', 'deployment', 'one', '--cascade=orphan'])
      await eventually('left alone', async () => {
        const owners = await k.ok(['get', 'rs', '-l', 'app=one', '-o', 'jsonpath={.items[*].metadata.ownerReferences}'])
        return owners === ''
      })
      assert.equal((await names('pods', '-l', 'app=one')).length, 1)
      const [set] = (await rows('rs', '-l', 'app=one')).filter(([, desired]) => desired === '1')
      await k.ok(['scale', 'rs', set?.[0] ?? '', '--replicas=2'])
      await eventually('two pods', async () => (await names('pods', '-l', 'app=one')).length === 2)
      await k.ok(['delete', 'rs', '-l', 'app=one', '--cascade=foreground'])
      await eventually('pods gone', async () => (await names('pods', '-l', 'app=one')).length === 0)
    })

    it('a namespace takes its Deployments, Ingresses and roles along', async () => {
      await k.ok(['create', 'namespace', 'team'])
      await k.ok(['create', 'deployment', 'web', '-n', 'team', '--image=echo:1'])
      await k.ok(['create', 'role', 'r', '-n', 'team', '--verb=get', '--resource=pods'])
      await k.ok(['create', 'ingress', 'i', '-n', 'team', '--rule=a.example.com/*=web:80'])
      await k.ok(['delete', 'namespace', 'team', '--timeout=50s'])
      assert.ok(!(await names('namespaces')).includes('team'))
    })

    it('nothing was out of the controllers’ reach', () => {
      assert.deepEqual(
        k.problems.filter((text) => /forbidden/i.test(text)),
        [],
      )
    })
  })
}
