/** A Service through all its steps, as the engine runs them: defaults, preparation, validation, allocation. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { FieldError, Service, ServiceSpec } from '#api'
import type { KindDefinition, WriteContext } from './index.ts'
import { createKinds } from './index.ts'

const DUAL = ['10.96.0.0/16', 'fd00:10:96::/112']

const context: WriteContext = {
  store: { get: () => undefined, list: () => [] },
  now: '2026-01-01T00:00:00Z',
  dryRun: false,
  user: { name: 'admin', groups: [] },
  warn: () => undefined,
}

type Outcome = { readonly service: Service; readonly rollback: () => void } | { readonly problem: string }

class Cluster {
  readonly collisions: string[] = []
  readonly kind: KindDefinition<Service>
  #uid = 0

  constructor(serviceCIDRs: readonly string[] = DUAL, nodePortRange?: { first: number; last: number }) {
    let state = 1
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state / 2 ** 32
    }
    const kinds = createKinds({
      serviceCIDRs,
      random,
      onCollision: ({ service, what, problem }) => this.collisions.push(`${service} ${what} ${problem}`),
      ...(nodePortRange !== undefined && { nodePortRange }),
    })
    const found = kinds.find(({ info }) => info.resource === 'services')
    assert.ok(found !== undefined)
    this.kind = found as unknown as KindDefinition<Service>
  }

  create(spec: object, end: 'commit' | 'hold' = 'commit'): Outcome {
    this.#uid += 1
    const metadata = { name: `s${this.#uid}`, namespace: 'default', uid: `u${this.#uid}` }
    const body = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: { a: 'b' }, ports: [{ port: 80 }], ...spec },
    }
    const object = this.kind.prepareForCreate(this.kind.defaults(body as Service), context)
    return this.#finish(this.kind.validate(object, context), { object, old: undefined, end })
  }

  update(old: Service, spec: object, end: 'commit' | 'hold' = 'commit'): Outcome {
    const object = this.kind.prepareForUpdate(this.kind.defaults({ ...old, spec: spec as ServiceSpec }), old, context)
    return this.#finish(this.kind.validateUpdate(object, old, context), { object, old, end })
  }

  #finish(
    errors: readonly FieldError[],
    write: { readonly object: Service; readonly old: Service | undefined; readonly end: 'commit' | 'hold' },
  ): Outcome {
    const print = (list: readonly FieldError[]): Outcome => ({
      problem: list.map(({ field, message }) => `${field}: ${message}`).join('; '),
    })
    if (errors.length > 0) return print(errors)
    const admission = this.kind.allocate?.(write.object, write.old, context)
    assert.ok(admission !== undefined)
    if ('errors' in admission) return print(admission.errors)
    if ('refusal' in admission) return { problem: `${admission.refusal.code} ${admission.refusal.message}` }
    if (write.end === 'commit') admission.commit?.()
    return { service: admission.object, rollback: () => admission.rollback?.() }
  }
}

function ok(outcome: Outcome): Service {
  assert.ok('service' in outcome, JSON.stringify(outcome))
  return outcome.service
}

function patched(service: Service, change: object): object {
  return { ...service.spec, ...change }
}

describe('Service: create', () => {
  it('12.1, 12.4: one address of the default family', () => {
    const { spec, status } = ok(new Cluster().create({}))
    assert.match(spec.clusterIP ?? '', /^10\.96\./)
    assert.deepEqual(spec.clusterIPs, [spec.clusterIP])
    assert.deepEqual([spec.ipFamilies, spec.ipFamilyPolicy], [['IPv4'], 'SingleStack'])
    assert.deepEqual(status, { loadBalancer: {} })
  })

  it('12.4: two addresses when asked for', () => {
    const { spec } = ok(new Cluster().create({ ipFamilyPolicy: 'RequireDualStack' }))
    assert.equal(spec.clusterIPs?.length, 2)
    assert.match(spec.clusterIPs?.[1] ?? '', /^fd00:10:96::/)
  })

  it('12.6: taken, outside, network address', () => {
    const cluster = new Cluster()
    ok(cluster.create({ clusterIP: '10.96.0.60' }))
    const problem = (clusterIP: string): unknown => (cluster.create({ clusterIP }) as { problem?: string }).problem
    const text = (address: string, why: string): string =>
      `spec.clusterIPs: Invalid value: ["${address}"]: failed to allocate IP ${address}: ${why}`
    assert.equal(problem('10.96.0.60'), text('10.96.0.60', 'provided IP is already allocated'))
    const outside = 'the provided network does not match the current range'
    assert.equal(problem('10.97.0.1'), text('10.97.0.1', outside))
    assert.equal(problem('10.96.0.0'), text('10.96.0.0', outside))
  })

  it('12.6: node port taken or outside', () => {
    const cluster = new Cluster()
    const port = (nodePort: number): object => ({ type: 'NodePort', ports: [{ port: 80, nodePort }] })
    ok(cluster.create(port(30_080)))
    assert.deepEqual(cluster.create(port(30_080)), {
      problem: 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    })
    assert.deepEqual(cluster.create(port(80)), {
      problem:
        'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    })
  })

  it('12.6: health-check port taken is a 500', () => {
    const cluster = new Cluster()
    ok(cluster.create({ type: 'NodePort', ports: [{ port: 80, nodePort: 31_999 }] }))
    const outcome = cluster.create({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31_999,
    })
    assert.deepEqual(outcome, {
      problem:
        '500 Internal error occurred: failed to allocate requested HealthCheck NodePort 31999: provided port is already allocated',
    })
  })

  it('13: both protocols of a port share a node port', () => {
    const ports = [
      { name: 'a', port: 53, protocol: 'TCP' },
      { name: 'b', port: 53, protocol: 'UDP' },
      { name: 'c', port: 54 },
    ]
    const numbers = ok(new Cluster().create({ type: 'NodePort', ports })).spec.ports?.map(({ nodePort }) => nodePort)
    assert.equal(numbers?.[0], numbers?.[1])
    assert.notEqual(numbers?.[0], numbers?.[2])
  })

  it('13: an explicit node port is shared, too', () => {
    const ports = [
      { name: 'a', port: 53, protocol: 'TCP' },
      { name: 'b', port: 53, protocol: 'UDP', nodePort: 30_053 },
    ]
    const numbers = ok(new Cluster().create({ type: 'NodePort', ports })).spec.ports?.map(({ nodePort }) => nodePort)
    assert.deepEqual(numbers, [30_053, 30_053])
  })

  it('allocateLoadBalancerNodePorts false: none, unless asked for', () => {
    const lb = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }
    const cluster = new Cluster()
    assert.equal(ok(cluster.create(lb)).spec.ports?.[0]?.nodePort, undefined)
    assert.equal(
      ok(cluster.create({ ...lb, ports: [{ port: 80, nodePort: 30_111 }] })).spec.ports?.[0]?.nodePort,
      30_111,
    )
  })

  it('a failed or dry run leaves nothing behind', () => {
    const cluster = new Cluster(['10.96.0.0/30', 'fd00::/126'], { first: 30_000, last: 30_001 })
    const wish = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ipFamilyPolicy: 'RequireDualStack' }
    for (let i = 0; i < 10; i += 1) {
      const outcome = cluster.create(wish, 'hold')
      assert.ok('rollback' in outcome, JSON.stringify(outcome))
      outcome.rollback()
    }
    // Three ports do not fit: what was taken before the failure must be free again.
    const three = {
      ...wish,
      ports: [
        { name: 'a', port: 1 },
        { name: 'b', port: 2 },
      ],
    }
    for (let i = 0; i < 10; i += 1) {
      assert.deepEqual(cluster.create(three), {
        problem: '500 Internal error occurred: failed to allocate a HealthCheck NodePort: range is full',
      })
    }
    ok(cluster.create(wish))
  })

  it('a full range says so', () => {
    const cluster = new Cluster(['10.96.0.0/30'])
    ok(cluster.create({}))
    ok(cluster.create({}))
    assert.deepEqual(cluster.create({}), {
      problem: '500 Internal error occurred: failed to allocate a serviceIP: range is full',
    })
  })
})

describe('Service: update (12.3, 12.5)', () => {
  it('omitted values are kept: address, node port by name, health-check port', () => {
    const cluster = new Cluster()
    const old = ok(
      cluster.create({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80 }] }),
    )
    const bare = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 8080 }] }
    const next = ok(cluster.update(old, bare)).spec
    assert.equal(next.clusterIP, old.spec.clusterIP)
    assert.equal(next.ports?.[0]?.nodePort, old.spec.ports?.[0]?.nodePort)
    assert.equal(next.healthCheckNodePort, old.spec.healthCheckNodePort)
  })

  it('ClusterIP → NodePort → LoadBalancer → ClusterIP', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({}))
    const b = ok(cluster.update(a, patched(a, { type: 'NodePort' })))
    const port = b.spec.ports?.[0]?.nodePort ?? 0
    assert.ok(port >= 30_086)
    assert.equal(b.spec.externalTrafficPolicy, 'Cluster')
    const c = ok(cluster.update(b, patched(b, { type: 'LoadBalancer' })))
    assert.equal(c.spec.ports?.[0]?.nodePort, port)
    assert.equal(c.spec.allocateLoadBalancerNodePorts, true)
    const withAddress: Service = { ...c, status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } } }
    const d = ok(cluster.update(withAddress, patched(c, { type: 'ClusterIP' })))
    assert.deepEqual(d.spec, a.spec)
    assert.deepEqual(d.status, { loadBalancer: {} })
    // The node port is free again.
    ok(cluster.create({ type: 'NodePort', ports: [{ port: 80, nodePort: port }] }))
  })

  it('Cluster → Local → Cluster → Local: a health-check port comes, goes, comes', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({ type: 'LoadBalancer' }))
    const b = ok(cluster.update(a, patched(a, { externalTrafficPolicy: 'Local' })))
    assert.ok((b.spec.healthCheckNodePort ?? 0) > 0)
    const c = ok(cluster.update(b, patched(b, { externalTrafficPolicy: 'Cluster' })))
    assert.equal(c.spec.healthCheckNodePort, undefined)
    ok(cluster.create({ type: 'NodePort', ports: [{ port: 80, nodePort: b.spec.healthCheckNodePort }] }))
    const d = ok(cluster.update(c, patched(c, { externalTrafficPolicy: 'Local' })))
    assert.notEqual(d.spec.healthCheckNodePort, b.spec.healthCheckNodePort)
  })

  it('any → ExternalName and back: released, then fresh', () => {
    const cluster = new Cluster(['10.96.0.0/30'])
    const a = ok(cluster.create({}))
    const b = ok(cluster.update(a, patched(a, { type: 'ExternalName', externalName: 'a.b' })))
    assert.deepEqual(
      [b.spec.clusterIP, b.spec.clusterIPs, b.spec.ipFamilies, b.spec.internalTrafficPolicy],
      [undefined, undefined, undefined, undefined],
    )
    assert.deepEqual(b.spec.ports, a.spec.ports)
    ok(cluster.create({}))
    const c = ok(cluster.update(b, patched(b, { type: 'ClusterIP' })))
    assert.match(c.spec.clusterIP ?? '', /^10\.96\./)
    assert.equal(c.spec.externalName, 'a.b')
  })

  it('single → dual → single: the second address comes and goes', () => {
    const cluster = new Cluster(['10.96.0.0/24', 'fd00::/126'])
    const a = ok(cluster.create({}))
    const b = ok(cluster.update(a, patched(a, { ipFamilyPolicy: 'RequireDualStack' })))
    assert.equal(b.spec.clusterIPs?.[0], a.spec.clusterIP)
    assert.equal(b.spec.clusterIPs?.length, 2)
    const c = ok(cluster.update(b, patched(b, { ipFamilyPolicy: 'SingleStack' })))
    assert.deepEqual([c.spec.clusterIPs, c.spec.ipFamilies], [a.spec.clusterIPs, ['IPv4']])
    for (let i = 0; i < 3; i += 1) ok(cluster.create({ ipFamilies: ['IPv6'] }))
  })

  it('an old address stays taken until the write is done', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({ clusterIP: '10.96.0.50' }))
    const held = cluster.update(a, patched(a, { type: 'ExternalName', externalName: 'a.b' }), 'hold')
    assert.ok('rollback' in held)
    assert.match((cluster.create({ clusterIP: '10.96.0.50' }) as { problem: string }).problem, /already allocated/)
    held.rollback()
    assert.match((cluster.create({ clusterIP: '10.96.0.50' }) as { problem: string }).problem, /already allocated/)
  })

  it('headless → NodePort is refused', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({ clusterIP: 'None' }))
    assert.deepEqual(cluster.update(a, patched(a, { type: 'NodePort' })), {
      problem: `spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`,
    })
  })

  it('a new type with a changed dependent value is refused, not silently dropped', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({ type: 'NodePort' }))
    const ports = [{ ...a.spec.ports?.[0], nodePort: 31_000 }]
    assert.match(
      (cluster.update(a, patched(a, { type: 'ClusterIP', ports })) as { problem: string }).problem,
      /nodePort: Forbidden/,
    )
  })

  it('clusterIP alone changed: the list follows, and is refused', () => {
    const cluster = new Cluster()
    const a = ok(cluster.create({}))
    assert.deepEqual(cluster.update(a, patched(a, { clusterIP: '10.96.0.77' })), {
      problem: 'spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set',
    })
  })
})

describe('Service: start and deletion', () => {
  it('restored holds what objects hold, released gives it back', () => {
    const first = new Cluster()
    const service = ok(
      first.create({ type: 'NodePort', clusterIP: '10.96.0.50', ports: [{ port: 80, nodePort: 30_500 }] }),
    )
    const second = new Cluster()
    second.kind.restored?.(service)
    assert.match((second.create({ clusterIP: '10.96.0.50' }) as { problem: string }).problem, /already allocated/)
    second.kind.released?.(service)
    ok(second.create({ type: 'NodePort', clusterIP: '10.96.0.50', ports: [{ port: 80, nodePort: 30_500 }] }))
  })

  it('collisions are told, and the loser cannot give away what it never had', () => {
    const cluster = new Cluster()
    const holder = ok(new Cluster().create({ clusterIP: '10.96.0.50' }))
    const loser: Service = { ...holder, metadata: { ...holder.metadata, name: 'other', uid: 'other' } }
    const stray: Service = {
      ...loser,
      metadata: { ...loser.metadata, name: 'stray', uid: 'stray' },
      spec: { ...loser.spec, clusterIP: '10.1.0.1', clusterIPs: ['10.1.0.1'] },
    }
    for (const service of [holder, loser, stray]) cluster.kind.restored?.(service)
    assert.deepEqual(cluster.collisions, ['default/other 10.96.0.50 taken', 'default/stray 10.1.0.1 out-of-range'])
    cluster.kind.released?.(loser)
    assert.match((cluster.create({ clusterIP: '10.96.0.50' }) as { problem: string }).problem, /already allocated/)
  })
})
