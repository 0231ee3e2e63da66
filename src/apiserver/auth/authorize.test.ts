/** RBAC over the stored objects (rbac.authorization.k8s.io/v1; api-server.md 17). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import type { Role } from '#api'
import { CLUSTERROLEBINDINGS, CLUSTERROLES, NAMESPACES, ROLEBINDINGS, ROLES } from '#api'
import { silentLogger } from '#lib'
import type { RealRegistry } from '../testing/real-registry.ts'
import { realRegistry } from '../testing/real-registry.ts'
import type { Authorizer } from './index.ts'
import { ANONYMOUS, createAuthorizer, keepPolicy, writePolicy } from './index.ts'

const user = (name: string, ...groups: string[]): { name: string; groups: string[] } => ({ name, groups })
const controllers = user('system:kube-controller-manager', 'system:controllers')
const SECRETS = { group: '', resource: 'secrets' }
const PODS = { group: '', resource: 'pods' }

async function policy(): Promise<{ readonly cluster: RealRegistry; readonly authorizer: Authorizer }> {
  const cluster = await realRegistry()
  await writePolicy(cluster.registry)
  return { cluster, authorizer: createAuthorizer(cluster.registry) }
}

const subject = (kind: string, name: string): object => ({ kind, name })
const refTo = (kind: string, name: string): object => ({ kind, name })

describe('bootstrap policy', () => {
  it('gives masters everything and each component what its role says', async () => {
    const { authorizer } = await policy()
    const may = (...args: Parameters<Authorizer['authorize']>): boolean => authorizer.authorize(...args).allowed
    assert.ok(may(user('x', 'system:masters'), { verb: 'get', ...SECRETS }))
    assert.ok(!may(user('system:kube-proxy'), { verb: 'get', ...SECRETS }))
    assert.ok(may(user('system:kube-proxy'), { verb: 'watch', group: '', resource: 'services' }))
    assert.ok(!may(user('n', 'system:nodes'), { verb: 'create', ...PODS }))
    assert.ok(may(user('n', 'system:nodes'), { verb: 'patch', group: '', resource: 'pods/status' }))
    assert.ok(!may(controllers, { verb: 'create', ...SECRETS }))
    assert.ok(may(controllers, { verb: 'list', group: 'example.com', resource: 'widgets', namespace: 'a' }))
    assert.ok(!may(user('constructor'), { verb: 'get', ...SECRETS }))
    assert.ok(!may(user('bob', 'system:authenticated'), { verb: 'list', ...PODS }))
  })

  it('shows health to anybody, discovery to users, the rest to masters', async () => {
    const { authorizer } = await policy()
    const may = (who: Parameters<Authorizer['authorizePath']>[0], path: string): boolean =>
      authorizer.authorizePath(who, { verb: 'get', path }).allowed
    const known = user('x', 'system:authenticated')
    assert.ok(may(ANONYMOUS, '/readyz') && may(ANONYMOUS, '/livez/ping') && may(ANONYMOUS, '/version'))
    assert.ok(!may(ANONYMOUS, '/openapi/v3'))
    assert.ok(may(known, '/openapi/v3') && may(known, '/apis'))
    assert.ok(!may(known, '/metrics'))
    assert.ok(!authorizer.authorizePath(known, { verb: 'post', path: '/apis' }).allowed)
  })

  it('is written once, completed at a later start, and left alone where its annotation says so', async () => {
    const { cluster } = await policy()
    const roleOf = (name: string): Role => cluster.get<Role>(CLUSTERROLES, { name }) as Role
    const revision = cluster.registry.store.revision
    await writePolicy(cluster.registry)
    assert.equal(cluster.registry.store.revision, revision)

    const whole = roleOf('system:node').rules
    await cluster.update(CLUSTERROLES, { ...roleOf('system:node'), rules: [] })
    const own = roleOf('system:kube-dns')
    const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' }
    await cluster.update(CLUSTERROLES, { ...own, rules: [], metadata: { ...own.metadata, annotations } })
    await writePolicy(cluster.registry)
    assert.deepEqual(roleOf('system:node').rules, whole)
    assert.deepEqual(roleOf('system:kube-dns').rules, [])
  })

  it('is in force also on a server whose kinds leave RBAC out', async () => {
    const { registry } = await realRegistry()
    const kinds = registry.kinds.filter(({ info }) => info.group !== CLUSTERROLES.group)
    const authorizer = createAuthorizer({ kinds, store: registry.store })
    assert.ok(authorizer.authorize(user('system:kube-proxy'), { verb: 'list', group: '', resource: 'nodes' }).allowed)
    assert.ok(!authorizer.authorize(user('bob'), { verb: 'list', group: '', resource: 'nodes' }).allowed)
  })
})

describe('roles and bindings', () => {
  it('hold where they are bound, for users, groups and service accounts, from the commit on', async () => {
    const { cluster, authorizer } = await policy()
    const may = (who: ReturnType<typeof user>, namespace: string | undefined, name?: string): boolean =>
      authorizer.authorize(who, { verb: 'get', ...PODS, namespace, name }).allowed
    const account = user('system:serviceaccount:default:robot', 'system:serviceaccounts')
    assert.ok(!may(user('ann'), 'default'))
    await cluster.create(NAMESPACES, { metadata: { name: 'other' } })
    await cluster.create(ROLES, {
      metadata: { name: 'reader', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    })
    await cluster.create(ROLEBINDINGS, {
      metadata: { name: 'readers', namespace: 'default' },
      roleRef: refTo('Role', 'reader'),
      subjects: [subject('User', 'ann'), subject('Group', 'devs'), subject('ServiceAccount', 'robot')],
    })
    for (const who of [user('ann'), user('bob', 'devs'), account]) {
      assert.ok(may(who, 'default'), who.name)
      assert.ok(!may(who, 'other') && !may(who, undefined), who.name)
    }
    // A group of a user's name is another subject.
    assert.ok(!may(user('devs'), 'default') && !may(user('x', 'ann'), 'default'))

    await cluster.create(CLUSTERROLEBINDINGS, {
      metadata: { name: 'viewers' },
      roleRef: refTo('ClusterRole', 'view'),
      subjects: [subject('Group', 'devs')],
    })
    assert.ok(may(user('bob', 'devs'), 'other') && may(user('bob', 'devs'), undefined))
    await cluster.remove(CLUSTERROLEBINDINGS, { name: 'viewers' })
    assert.ok(!may(user('bob', 'devs'), 'other'))
    await cluster.remove(ROLES, { name: 'reader' })
    assert.ok(!may(user('ann'), 'default'))
  })

  it('cover exactly the verbs, groups, resources, subresources, names and paths of their rules', async () => {
    const { cluster, authorizer } = await policy()
    await cluster.create(CLUSTERROLES, {
      metadata: { name: 'mixed' },
      rules: [
        { apiGroups: [''], resources: ['configmaps'], resourceNames: ['one'], verbs: ['get', 'update'] },
        { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['*'] },
        { apiGroups: ['*'], resources: ['ingresses'], verbs: ['list'] },
        { nonResourceURLs: ['/metrics', '/debug/*'], verbs: ['get'] },
      ],
    })
    await cluster.create(CLUSTERROLEBINDINGS, {
      metadata: { name: 'mixed' },
      roleRef: refTo('ClusterRole', 'mixed'),
      subjects: [subject('User', 'ann')],
    })
    const cases: readonly [verb: string, what: string, name: string | undefined, allowed: boolean][] = [
      ['get', '/configmaps', 'one', true],
      ['get', '/configmaps', 'two', false],
      ['get', '/configmaps', undefined, false],
      ['delete', '/configmaps', 'one', false],
      ['patch', 'apps/deployments/scale', 'x', true],
      ['get', 'apps/deployments', 'x', false],
      ['get', 'other/deployments/scale', 'x', false],
      ['list', 'networking.k8s.io/ingresses', undefined, true],
      ['list', 'networking.k8s.io/ingresses/status', undefined, false],
    ]
    for (const [verb, what, name, allowed] of cases) {
      const slash = what.indexOf('/')
      const request = { verb, group: what.slice(0, slash), resource: what.slice(slash + 1), name, namespace: 'default' }
      assert.equal(authorizer.authorize(user('ann'), request).allowed, allowed, `${verb} ${what} ${name ?? ''}`)
    }
    const path = (at: string): boolean => authorizer.authorizePath(user('ann'), { verb: 'get', path: at }).allowed
    assert.deepEqual(['/metrics', '/metrics/x', '/debug/x', '/debug'].map(path), [true, false, true, false])
    assert.equal(authorizer.rulesOf(user('ann'), 'default').length, 4)
    const { reason } = authorizer.authorize(user('ann'), { verb: 'list', group: '', resource: 'ingresses' })
    assert.equal(reason, 'RBAC: allowed by ClusterRoleBinding "mixed" of ClusterRole "mixed" to User "ann"')
  })

  it('aggregate the roles they select, over several steps and in circles', async () => {
    const { cluster, authorizer } = await policy()
    const stop = keepPolicy(cluster.registry, silentLogger)
    const label = (role: string): object => ({ [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' })
    const circle = (name: string, next: string): object => ({
      metadata: { name, labels: { to: next } },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: name } }] },
      rules: [],
    })
    await cluster.create(CLUSTERROLES, circle('a', 'b'))
    await cluster.create(CLUSTERROLES, circle('b', 'a'))
    const rule = { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] }
    await cluster.create(CLUSTERROLES, { metadata: { name: 'widgets', labels: label('view') }, rules: [rule] })
    await cluster.create(CLUSTERROLES, { metadata: { name: 'part', labels: { to: 'a' } }, rules: [rule] })
    const settled = async (): Promise<number> => {
      for (;;) {
        const before = cluster.registry.store.revision
        for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve))
        if (cluster.registry.store.revision === before) return before
      }
    }
    await settled()
    const rulesOf = (name: string): Role['rules'] => cluster.get<Role>(CLUSTERROLES, { name })?.rules
    for (const name of ['a', 'b']) assert.deepEqual(rulesOf(name), [rule], name)
    const has = (name: string): boolean => JSON.stringify(rulesOf(name)).includes('widgets')
    assert.deepEqual(['view', 'edit', 'admin', 'cluster-admin'].map(has), [true, true, true, false])
    await cluster.create(ROLEBINDINGS, {
      metadata: { name: 'admins', namespace: 'default' },
      roleRef: refTo('ClusterRole', 'admin'),
      subjects: [subject('User', 'ann')],
    })
    const may = (verb: string, resource: string): boolean =>
      authorizer.authorize(user('ann'), { verb, group: '', resource, namespace: 'default' }).allowed
    assert.ok(may('create', 'services') && may('list', 'pods') && !may('update', 'nodes'))
    await cluster.remove(CLUSTERROLES, { name: 'widgets' })
    await settled()
    assert.ok(!has('admin'))
    stop()
  })
})
