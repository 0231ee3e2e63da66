/**
 * Definitions of the size and with the means of the Gateway API's, written by hand, through unmodified kubectl: a protected
 * group, rules in CEL, keyed lists, a cluster-scoped class, an old version beside the new one, columns.
 */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, before, describe, it } from 'node:test'

import type { Cluster } from './cluster.ts'
import { readersOf, startCluster } from './cluster.ts'
import { kubectlBinaries } from './kubectl.ts'

const GROUP = 'gateway.networking.k8s.io'
const text = (rest: object = {}): object => ({ type: 'string', minLength: 1, maxLength: 253, ...rest })
const port = { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 }
const keyed = (keys: readonly string[], items: object, rest: object = {}): object => ({
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
  items,
  ...rest,
})
const object = (properties: object, rest: object = {}): object => ({ type: 'object', properties, ...rest })
const CONDITIONS = keyed(
  ['type'],
  object(
    {
      type: text(),
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      reason: text(),
      message: { type: 'string' },
      lastTransitionTime: { type: 'string', format: 'date-time' },
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    },
    { required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'] },
  ),
  { maxItems: 8 },
)
const PARENT = object(
  {
    group: { type: 'string', default: GROUP },
    kind: { type: 'string', default: 'Gateway' },
    name: text(),
    sectionName: text(),
  },
  { required: ['name'] },
)
const MATCH = object({
  path: object(
    {
      type: { type: 'string', enum: ['Exact', 'PathPrefix', 'RegularExpression'], default: 'PathPrefix' },
      value: { type: 'string', maxLength: 1024, default: '/' },
    },
    {
      default: { type: 'PathPrefix', value: '/' },
      'x-kubernetes-validations': [{ rule: "self.value.startsWith('/')", message: 'must be absolute' }],
    },
  ),
  headers: keyed(['name'], object({ name: text(), value: text({ maxLength: 4096 }) }, { required: ['name', 'value'] })),
})
const BACKEND = object(
  {
    group: { type: 'string', default: '' },
    kind: { type: 'string', default: 'Service' },
    name: text(),
    port,
    weight: { type: 'integer', format: 'int32', minimum: 0, maximum: 1_000_000, default: 1 },
  },
  { required: ['name'] },
)
const SPECS: Readonly<Record<string, object>> = {
  GatewayClass: object(
    { controllerName: text(), description: { type: 'string', maxLength: 64 } },
    { required: ['controllerName'] },
  ),
  Gateway: object(
    {
      gatewayClassName: text(),
      addresses: { type: 'array', maxItems: 16, 'x-kubernetes-list-type': 'atomic', items: object({ value: text() }) },
      listeners: keyed(
        ['name'],
        object({ name: text(), hostname: text(), port, protocol: text() }, { required: ['name', 'port', 'protocol'] }),
        { minItems: 1, maxItems: 64 },
      ),
    },
    { required: ['gatewayClassName', 'listeners'] },
  ),
  HTTPRoute: object({
    parentRefs: { type: 'array', maxItems: 32, 'x-kubernetes-list-type': 'atomic', items: PARENT },
    hostnames: { type: 'array', maxItems: 16, items: text({ pattern: '^(\\*\\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }) },
    rules: {
      type: 'array',
      maxItems: 16,
      default: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
      items: object({
        matches: { type: 'array', items: MATCH },
        backendRefs: { type: 'array', maxItems: 16, items: BACKEND },
      }),
    },
  }),
}

function definition(kind: string, names: { plural: string; shortNames: readonly string[] }, columns: object[]): object {
  const schema = {
    openAPIV3Schema: object(
      {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { type: 'object' },
        spec: SPECS[kind],
        status: object({ conditions: CONDITIONS }),
      },
      { required: ['spec'] },
    ),
  }
  const common = { served: true, schema, subresources: { status: {} }, additionalPrinterColumns: columns }
  const warning = `The v1beta1 version of ${kind} has been deprecated and will be removed in a future release`
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${names.plural}.${GROUP}`,
      annotations: { 'api-approved.kubernetes.io': 'https://example.com/1' },
    },
    spec: {
      group: GROUP,
      scope: kind === 'GatewayClass' ? 'Cluster' : 'Namespaced',
      names: { kind, categories: ['gateway-api'], ...names },
      versions: [
        { name: 'v1', storage: true, ...common },
        { name: 'v1beta1', storage: false, deprecated: true, deprecationWarning: warning, ...common },
      ],
    },
  }
}

const AGE = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
const DEFINITIONS = [
  definition('GatewayClass', { plural: 'gatewayclasses', shortNames: ['gc'] }, [
    { name: 'Controller', type: 'string', jsonPath: '.spec.controllerName' },
    { name: 'Accepted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
    AGE,
  ]),
  definition('Gateway', { plural: 'gateways', shortNames: ['gtw'] }, [
    { name: 'Class', type: 'string', jsonPath: '.spec.gatewayClassName' },
    { name: 'Programmed', type: 'string', jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
    AGE,
  ]),
  definition('HTTPRoute', { plural: 'httproutes', shortNames: [] }, [
    { name: 'Hostnames', type: 'string', jsonPath: '.spec.hostnames' },
    AGE,
  ]),
]

function made(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: `${GROUP}/v1`, kind, metadata: { name }, spec })
}

const LISTENERS = [{ name: 'http', port: 80, protocol: 'HTTP' }]
const ROUTE = {
  parentRefs: [{ name: 'main' }],
  hostnames: ['www.example.com'],
  rules: [{ matches: [{ path: { value: '/a' } }], backendRefs: [{ name: 'web', port: 80 }] }],
}

for (const binary of kubectlBinaries()) {
  describe(`definitions like the Gateway API's: ${basename(binary) === 'kubectl' ? binary : basename(binary)}`, () => {
    let k: Cluster
    const { names, rows, eventually } = readersOf(() => k)

    before(async () => {
      k = await startCluster(binary)
    })
    after(async () => {
      await k.stop()
    })

    it('a protected group needs its approval; rules in CEL are kept with a warning', async () => {
      const [first] = DEFINITIONS as unknown as readonly [{ readonly metadata: { readonly name: string } }]
      const bare = { ...first, metadata: { name: first.metadata.name } }
      const refused = await k.run(['apply', '-f', '-'], { input: JSON.stringify(bare) })
      assert.match(refused.stderr, /protected groups must have approval annotation/)
      for (const one of DEFINITIONS) {
        const { code, stderr } = await k.run(['apply', '-f', '-'], { input: JSON.stringify(one) })
        assert.equal(code, 0, stderr)
        const isRoute = JSON.stringify(one).includes('x-kubernetes-validations')
        assert.equal(/Warning: .*x-kubernetes-validations are kept, but/.test(stderr), isRoute, stderr)
      }
      const stored = await k.ok(['get', 'crd', `httproutes.${GROUP}`, '-o', 'json'])
      assert.match(stored, /self\.value\.startsWith/)
    })

    it('objects are defaulted, checked and shown; the old version warns', async () => {
      await k.ok(['apply', '-f', '-'], made('GatewayClass', 'lab', { controllerName: 'example.com/lab' }))
      await k.ok(['apply', '-f', '-'], made('Gateway', 'main', { gatewayClassName: 'lab', listeners: LISTENERS }))
      await k.ok(['apply', '-f', '-'], made('HTTPRoute', 'web', ROUTE))
      await k.ok(['apply', '-f', '-'], made('HTTPRoute', 'all', { parentRefs: [{ name: 'main' }] }))
      const specOf = async (name: string): Promise<unknown> =>
        JSON.parse(await k.ok(['get', 'httproute', name, '-o', 'jsonpath={.spec}']))
      assert.deepEqual(await specOf('web'), {
        parentRefs: [{ group: GROUP, kind: 'Gateway', name: 'main' }],
        hostnames: ['www.example.com'],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/a' } }],
            backendRefs: [{ group: '', kind: 'Service', name: 'web', port: 80, weight: 1 }],
          },
        ],
      })
      assert.deepEqual(await specOf('all'), {
        parentRefs: [{ group: GROUP, kind: 'Gateway', name: 'main' }],
        rules: [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }] }],
      })
      assert.deepEqual((await rows('gc'))[0]?.slice(0, 2), ['lab', 'example.com/lab'])
      assert.deepEqual((await rows('gtw'))[0]?.slice(0, 2), ['main', 'lab'])
      assert.equal((await rows('httproute', 'web'))[0]?.[1], '["www.example.com"]')
      const old = await k.run(['get', `gateways.v1beta1.${GROUP}`, 'main', '-o', 'jsonpath={.apiVersion}'])
      assert.equal(old.stdout, `${GROUP}/v1beta1`)
      assert.match(old.stderr, /The v1beta1 version of Gateway has been deprecated/)
      const twice = [...LISTENERS, ...LISTENERS]
      for (const [spec, why] of [
        [{ gatewayClassName: 'lab', listeners: twice }, /Duplicate value/],
        [{ gatewayClassName: 'lab', listeners: [] }, /should have at least 1 items/],
        [{ listeners: LISTENERS }, /gatewayClassName: Required value/],
        [{ gatewayClassName: 'lab', listeners: [{ ...LISTENERS[0], port: 70_000 }] }, /less than or equal to 65535/],
      ] as const) {
        const { stderr } = await k.run(['create', '--validate=false', '-f', '-'], {
          input: made('Gateway', 'bad', spec),
        })
        assert.match(stderr, why)
      }
    })

    it('two appliers share a keyed list, and a namespace takes its routes along and waits for the held one', async () => {
      const side = (who: string, name: string): Promise<string> =>
        k.ok(
          ['apply', '--server-side', '--field-manager', who, '-f', '-'],
          made('Gateway', 'both', { gatewayClassName: 'lab', listeners: [{ name, port: 80, protocol: 'HTTP' }] }),
        )
      await side('one', 'a')
      await side('two', 'b')
      assert.equal(await k.ok(['get', 'gtw', 'both', '-o', 'jsonpath={.spec.listeners[*].name}']), 'a b')

      await k.ok(['create', 'namespace', 'team'])
      await k.ok(['apply', '-n', 'team', '-f', '-'], made('HTTPRoute', 'gone', ROUTE))
      await k.ok(['apply', '-n', 'team', '-f', '-'], made('HTTPRoute', 'held', ROUTE))
      const finalizers = (list: string): string => `{"metadata":{"finalizers":${list}}}`
      const patch = ['patch', 'httproute', 'held', '-n', 'team', '--type=merge', '-p']
      await k.ok([...patch, finalizers('["example.com/wait"]')])
      await k.ok(['delete', 'namespace', 'team', '--wait=false'])
      await eventually('the route that nobody holds is gone', async () => {
        const left = await names('httproute,serviceaccount', '-n', 'team')
        return left.length === 1 && left[0] === 'held'
      })
      assert.deepEqual(await names('namespace', 'team'), ['team'])
      assert.deepEqual(await names('httproute', '-n', 'team'), ['held'])
      await k.ok([...patch, finalizers('null')])
      await k.ok(['wait', '--for=delete', 'namespace/team', '--timeout=50s'])
      assert.deepEqual(
        k.problems.filter((problem) => /forbidden/i.test(problem)),
        [],
      )
    })
  })
}
