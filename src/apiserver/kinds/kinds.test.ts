import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Event, KubeObject, Namespace, Node, Pod, Secret } from '#api'
import type { KindDefinition, WriteContext } from './index.ts'
import { createKinds } from './index.ts'

const kinds = createKinds({ serviceCIDRs: ['10.96.0.0/16'] })
const context: WriteContext = {
  store: { get: () => undefined, list: () => [] },
  now: '2026-01-01T00:00:00Z',
  dryRun: false,
  user: { name: 'admin', groups: [] },
  warn: () => undefined,
}

function kindOf<T extends KubeObject>(resource: string): KindDefinition<T> {
  const kind = kinds.find(({ info }) => info.resource === resource)
  assert.ok(kind !== undefined)
  return kind as unknown as KindDefinition<T>
}

describe('field selectors (api-server.md 14.1)', () => {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['services', ['spec.clusterIP', 'spec.type']],
    [
      'pods',
      [
        'spec.nodeName',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'spec.hostNetwork',
        'status.phase',
        'status.podIP',
        'status.podIPs',
        'status.nominatedNodeName',
      ],
    ],
    ['nodes', ['spec.unschedulable']],
    ['namespaces', ['status.phase']],
    ['secrets', ['type']],
    [
      'events',
      [
        'involvedObject.kind',
        'involvedObject.namespace',
        'involvedObject.name',
        'involvedObject.uid',
        'involvedObject.apiVersion',
        'involvedObject.resourceVersion',
        'involvedObject.fieldPath',
        'reason',
        'reportingComponent',
        'source',
        'type',
      ],
    ],
    ['endpointslices', []],
    ['endpoints', []],
    ['configmaps', []],
    ['leases', []],
    ['serviceaccounts', []],
  ]
  for (const [resource, fields] of rows) {
    it(resource, () => {
      const empty = { metadata: { name: 'x' } } as unknown as KubeObject
      assert.deepEqual(Object.keys(kindOf(resource).fields(empty)), fields)
    })
  }
})

describe('how each kind behaves (api-server.md 8)', () => {
  const createOnUpdate = ['services', 'endpoints', 'events', 'leases']
  const returnsObject = ['pods', 'services', 'namespaces', 'serviceaccounts']
  const generation = [
    'pods',
    'endpointslices',
    'ingresses',
    'ingressclasses',
    'deployments',
    'replicasets',
    'customresourcedefinitions',
  ]
  const status = [
    'namespaces',
    'nodes',
    'pods',
    'services',
    'servicecidrs',
    'ingresses',
    'deployments',
    'replicasets',
    'customresourcedefinitions',
  ]
  const names: Readonly<Record<string, string>> = {
    services: 'label',
    namespaces: 'label',
    ipaddresses: 'address',
    roles: 'path',
    rolebindings: 'path',
    clusterroles: 'path',
    clusterrolebindings: 'path',
  }
  for (const kind of kinds) {
    const { resource } = kind.info
    it(resource, () => {
      assert.equal(kind.createOnUpdate, createOnUpdate.includes(resource))
      assert.equal(kind.deleteReturnsObject, returnsObject.includes(resource))
      assert.equal(kind.hasGeneration, generation.includes(resource))
      assert.equal(kind.hasStatus, status.includes(resource))
      assert.equal(kind.unconditionalUpdate, resource !== 'leases')
      assert.equal(kind.nameRule, names[resource] ?? 'subdomain')
    })
  }
})

describe('Namespace (api-server.md 11)', () => {
  const kind = kindOf<Namespace>('namespaces')
  const make = (name: string): Namespace =>
    kind.prepareForCreate({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, context)

  it('create: finalizer, phase and label', () => {
    assert.deepEqual(make('team'), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team', labels: { 'kubernetes.io/metadata.name': 'team' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    })
  })

  it('delete: marked first, gone when its finalizers are', () => {
    const first = kind.beforeDelete?.(make('team'), {}, context)
    assert.ok(first !== undefined && 'deferred' in first)
    assert.equal(first.deferred.metadata.deletionTimestamp, context.now)
    assert.equal(first.deferred.status?.phase, 'Terminating')
    assert.deepEqual(kind.beforeDelete?.(first.deferred, {}, context), { deferred: first.deferred })
    assert.equal(kind.beforeDelete?.({ ...first.deferred, spec: { finalizers: [] } }, {}, context), undefined)
  })

  for (const name of ['default', 'kube-system', 'kube-public']) {
    it(`delete: not ${name}`, () => {
      const message = `namespaces "${name}" is forbidden: this namespace may not be deleted`
      assert.deepEqual(kind.beforeDelete?.(make(name), {}, context), {
        refusal: { code: 403, reason: 'Forbidden', message },
      })
    })
  }

  it('update: finalizers do not change here', () => {
    const old = make('team')
    assert.deepEqual(kind.prepareForUpdate({ ...old, spec: { finalizers: [] } }, old, context).spec, old.spec)
  })
})

describe('Pod (api-server.md 11)', () => {
  const kind = kindOf<Pod>('pods')
  const make = (spec: object, rest: object = {}): Pod =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [], ...spec },
      ...rest,
    }) as unknown as Pod

  it('create: pending, with a quality class', () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' } }
    const classOf = (...list: object[]): unknown =>
      kind.prepareForCreate(make({ containers: list.map((one) => ({ name: 'c', ...one })) }), context).status
    assert.deepEqual(classOf({}), { phase: 'Pending', qosClass: 'BestEffort' })
    assert.deepEqual(classOf({ resources }), { phase: 'Pending', qosClass: 'Guaranteed' })
    assert.deepEqual(classOf({ resources }, {}), { phase: 'Pending', qosClass: 'Burstable' })
  })

  const end = (pod: Pod, gracePeriodSeconds?: number): unknown => {
    const result = kind.beforeDelete?.(pod, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }, context)
    if (result === undefined || !('deferred' in result)) return result
    const { deletionTimestamp, deletionGracePeriodSeconds } = result.deferred.metadata
    return [deletionTimestamp, deletionGracePeriodSeconds]
  }

  it('delete: at once without a node, when finished, or with no grace', () => {
    assert.equal(end(make({})), undefined)
    assert.equal(end(make({ nodeName: 'n' }, { status: { phase: 'Succeeded' } })), undefined)
    assert.equal(end(make({ nodeName: 'n' }), 0), undefined)
  })

  it('delete: with grace on a node', () => {
    assert.deepEqual(end(make({ nodeName: 'n' })), ['2026-01-01T00:00:30Z', 30])
    assert.deepEqual(end(make({ nodeName: 'n', terminationGracePeriodSeconds: 5 })), ['2026-01-01T00:00:05Z', 5])
    assert.deepEqual(end(make({ nodeName: 'n' }), 7), ['2026-01-01T00:00:07Z', 7])
  })

  it('delete: a running deletion only becomes faster', () => {
    const metadata = { name: 'p', deletionTimestamp: '2026-01-01T00:00:30Z', deletionGracePeriodSeconds: 30 }
    const pod = make({ nodeName: 'n' }, { metadata })
    assert.deepEqual(end(pod), ['2026-01-01T00:00:30Z', 30])
    assert.deepEqual(end(pod, 60), ['2026-01-01T00:00:30Z', 30])
    assert.deepEqual(end(pod, 10), ['2026-01-01T00:00:10Z', 10])
  })
})

describe('the rest (api-server.md 14.5)', () => {
  it('Node: not ready before it said so', () => {
    const kind = kindOf<Node>('nodes')
    const node: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: { podCIDR: '10.1.0.0/24' } }
    const once = kind.prepareForCreate(node, context)
    assert.deepEqual(once.spec?.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
    assert.deepEqual(kind.prepareForCreate(once, context), once)
  })

  it('Secret: an update without a type keeps the old one', () => {
    const kind = kindOf<Secret>('secrets')
    const meta = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }
    assert.equal(kind.prepareForUpdate(meta, { ...meta, type: 'a/b' }, context).type, 'a/b')
  })

  it('Event: source falls back to the reporting component', () => {
    const kind = kindOf<Event>('events')
    const event = { metadata: { name: 'e' }, involvedObject: {}, reportingComponent: 'kube-proxy' } as unknown as Event
    assert.equal(kind.fields(event)['source'], 'kube-proxy')
  })

  it('Endpoints: every access is told to move on', () => {
    assert.match(kindOf('endpoints').deprecationWarning ?? '', /^v1 Endpoints is deprecated in v1\.33\+/)
  })
})
