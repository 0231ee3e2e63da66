/** CustomResourceDefinitions with unmodified kubectl: what they define is served, checked, defaulted, pruned and taken along. */
import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { after, before, describe, it } from 'node:test'

import type { Cluster } from './cluster.ts'
import { readersOf, startCluster } from './cluster.ts'
import { kubectlBinaries } from './kubectl.ts'

/** With what the Gateway API's definitions use: versions, columns with filters, keyed lists, defaults, rules. */
const WIDGET_SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: {
      type: 'object',
      required: ['listeners'],
      properties: {
        size: { type: 'integer', format: 'int32', minimum: 1, maximum: 9, default: 3 },
        color: { type: 'string', enum: ['red', 'blue'] },
        hidden: { type: 'boolean', default: false },
        host: { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
        target: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
        extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        labels: { type: 'object', maxProperties: 2, additionalProperties: { type: 'string' } },
        listeners: {
          type: 'array',
          minItems: 1,
          maxItems: 3,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string', minLength: 1 }, port: { type: 'integer', default: 80 } },
          },
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        conditions: {
          type: 'array',
          items: { type: 'object', properties: { type: { type: 'string' }, status: { type: 'string' } } },
        },
      },
    },
  },
}
const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.shop.example.com' },
  spec: {
    group: 'shop.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['shop'] },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: false,
        deprecated: true,
        schema: { openAPIV3Schema: WIDGET_SCHEMA },
        subresources: { status: {} },
      },
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: WIDGET_SCHEMA },
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ],
  },
}

function widget(name: string, spec: object = {}, version = 'v1'): string {
  const full = { listeners: [{ name: 'http' }], ...spec }
  return JSON.stringify({ apiVersion: `shop.example.com/${version}`, kind: 'Widget', metadata: { name }, spec: full })
}

for (const binary of kubectlBinaries()) {
  describe(`custom resources: ${basename(binary) === 'kubectl' ? binary : basename(binary)}`, () => {
    let k: Cluster
    const { words, names, rows } = readersOf(() => k)

    before(async () => {
      k = await startCluster(binary)
    })
    after(async () => {
      await k.stop()
    })

    it('new kinds are served, checked, defaulted and pruned', async () => {
      await k.ok(['apply', '-f', '-'], JSON.stringify(WIDGETS))
      await k.ok(['wait', '--for=condition=Established', 'crd/widgets.shop.example.com', '--timeout=20s'])
      assert.ok(
        (await words(['api-resources', '--api-group=shop.example.com', '-o', 'name'])).includes(
          'widgets.shop.example.com',
        ),
      )
      await k.ok(
        ['apply', '-f', '-', '--validate=false'],
        widget('one', { bogus: 1, extra: { any: { thing: 1 } }, target: 'http' }),
      )
      const spec = JSON.parse(await k.ok(['get', 'widget', 'one', '-o', 'jsonpath={.spec}'])) as unknown
      assert.deepEqual(spec, {
        size: 3,
        hidden: false,
        extra: { any: { thing: 1 } },
        target: 'http',
        listeners: [{ name: 'http', port: 80 }],
      })
      await k.ok(['apply', '-f', '-'], widget('one', { size: 5 }))
      assert.deepEqual((await rows('wd'))[0]?.slice(0, 2), ['one', '5'])
      await k.ok(['patch', 'wd', 'one', '--type=merge', '-p', '{"spec":{"color":"red"}}'])
      const strategic = await k.run(['patch', 'wd', 'one', '--type=strategic', '-p', '{"spec":{"color":"red"}}'])
      assert.match(strategic.stderr, /not supported|media type|unknown format/i)
      for (const [change, text] of [
        [{ size: 0 }, /spec\.size in body should be greater than or equal to 1/],
        [{ size: 'big' }, /must be of type integer/],
        [{ color: 'green' }, /Unsupported value: "green": supported values: "(blue|red)", "(blue|red)"/],
        [{ host: 'A' }, /should match '/],
        [{ listeners: [] }, /should have at least 1 items/],
        [{ listeners: [{ name: 'a' }, { name: 'a' }] }, /Duplicate value/],
        [{ listeners: [{ port: 1 }] }, /listeners\[0\]\.name: Required value/],
        [{ labels: { a: '1', b: '2', c: '3' } }, /must have at most 2 items/],
        [{ target: true }, /must be of type integer,string/],
      ] as const) {
        const refused = await k.run(['create', '--validate=false', '-f', '-'], { input: widget('bad', change) })
        assert.equal(refused.code, 1, JSON.stringify(change))
        assert.match(refused.stderr, text)
      }
    })

    it('server-side apply keeps keyed lists apart, and strict validation names what is unknown', async () => {
      const side = ['apply', '--server-side', '-f', '-', '--field-manager']
      await k.ok([...side, 'a'], widget('shared', { listeners: [{ name: 'a', port: 1 }] }))
      await k.ok([...side, 'b'], widget('shared', { listeners: [{ name: 'b', port: 2 }] }))
      const ports = ['get', 'wd', 'shared', '-o', 'jsonpath={.spec.listeners[*].port}']
      assert.equal(await k.ok(ports), '1 2')
      const conflict = await k.run([...side, 'b'], { input: widget('shared', { listeners: [{ name: 'a', port: 3 }] }) })
      assert.match(conflict.stderr, /conflict with "a"/)
      await k.ok(['delete', 'wd', 'shared'])
      const { clientVersion } = JSON.parse(await k.ok(['version', '-o', 'json'])) as {
        clientVersion: { minor: string }
      }
      // Older clients look at the schema themselves, and know none of custom kinds.
      if (Number.parseInt(clientVersion.minor, 10) < 27) return
      const unknown = await k.run(['apply', '-f', '-'], { input: widget('strict', { bogus: 1 }) })
      assert.match(unknown.stderr, /unknown field "spec\.bogus"/)
      assert.match(await k.ok(['explain', 'widget.spec']), /listeners/)
    })

    it('versions, selectors by category, watch, deletion of all', async () => {
      assert.equal(
        await k.ok(['get', 'widgets.v1beta1.shop.example.com', 'one', '-o', 'jsonpath={.apiVersion}']),
        'shop.example.com/v1beta1',
      )
      assert.equal(
        await k.ok(['get', 'widgets.v1.shop.example.com', 'one', '-o', 'jsonpath={.apiVersion}']),
        'shop.example.com/v1',
      )
      await k.ok(['apply', '-f', '-'], widget('two', {}, 'v1beta1'))
      assert.deepEqual(await names('shop'), ['one', 'two'])
      const watch = k.follow(['get', 'wd', '--watch', '-o', 'name'])
      await watch.until(/two/)
      await k.ok(['annotate', 'wd', 'two', 'a=b'])
      await watch.until(/two[^]*two/)
      watch.stop()
      await k.ok(['create', 'namespace', 'shop'])
      await k.ok(['apply', '-n', 'shop', '-f', '-'], widget('three'))
      await k.ok(['delete', 'namespace', 'shop', '--timeout=50s'])
      assert.deepEqual(await names('wd', '-A'), ['one', 'two'])
      await k.ok(['delete', 'crd', 'widgets.shop.example.com', '--timeout=50s'])
      assert.equal((await k.run(['get', 'widgets.v1.shop.example.com'])).code, 1)
      await k.ok(['apply', '-f', '-'], JSON.stringify(WIDGETS))
      assert.deepEqual(await names('widgets.v1.shop.example.com'), [])
    })
  })
}
