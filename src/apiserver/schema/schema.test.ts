import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import protobuf from 'protobufjs/minimal.js'

import { createKinds } from '../kinds/index.ts'
import {
  aggregatedDiscovery,
  applyTopology,
  legacyDiscovery,
  openapiV2,
  openapiV3Document,
  openapiV3Index,
  patchStrategy,
  schemaNamed,
} from './index.ts'
import type { ExtraResource, SchemaNode } from './index.ts'
import { DESCRIPTIONS } from './descriptions.ts'

const kinds = createKinds({ serviceCIDRs: ['10.96.0.0/16'] })
const core = (name: string): string => `io.k8s.api.core.v1.${name}`

describe('patchStrategy (api-server.md 10.2)', () => {
  const rows: readonly (readonly [string, string, 'merge' | 'replace', string | undefined, boolean])[] = [
    [core('Service'), 'metadata.ownerReferences', 'merge', 'uid', false],
    [core('Service'), 'metadata.finalizers', 'merge', undefined, false],
    [core('Service'), 'spec.ports', 'merge', 'port', false],
    [core('Service'), 'status.conditions', 'merge', 'type', false],
    [core('Service'), 'spec.selector', 'merge', undefined, false],
    [core('Service'), 'spec.clusterIPs', 'replace', undefined, false],
    [core('Service'), 'spec.externalIPs', 'replace', undefined, false],
    [core('Service'), 'spec.ipFamilies', 'replace', undefined, false],
    [core('Service'), 'spec.loadBalancerSourceRanges', 'replace', undefined, false],
    [core('Service'), 'status.loadBalancer.ingress', 'replace', undefined, false],
    [core('Endpoints'), 'subsets', 'replace', undefined, false],
    ...['containers', 'initContainers', 'ephemeralContainers', 'imagePullSecrets', 'schedulingGates'].map(
      (field) => [core('Pod'), `spec.${field}`, 'merge', 'name', false] as const,
    ),
    [core('Pod'), 'spec.volumes', 'merge', 'name', true],
    [core('Pod'), 'spec.resourceClaims', 'merge', 'name', true],
    [core('Pod'), 'spec.containers.ports', 'merge', 'containerPort', false],
    [core('Pod'), 'spec.containers.env', 'merge', 'name', false],
    [core('Pod'), 'spec.containers.volumeMounts', 'merge', 'mountPath', false],
    [core('Pod'), 'spec.containers.volumeDevices', 'merge', 'devicePath', false],
    [core('Pod'), 'spec.hostAliases', 'merge', 'ip', false],
    [core('Pod'), 'spec.topologySpreadConstraints', 'merge', 'topologyKey', false],
    [core('Pod'), 'spec.tolerations', 'replace', undefined, false],
    [core('Pod'), 'status.podIPs', 'merge', 'ip', false],
    [core('Pod'), 'status.conditions', 'merge', 'type', false],
    [core('Node'), 'spec.podCIDRs', 'merge', undefined, false],
    [core('Node'), 'spec.taints', 'replace', undefined, false],
    [core('Node'), 'status.addresses', 'merge', 'type', false],
    [core('Node'), 'status.conditions', 'merge', 'type', false],
    [core('Namespace'), 'status.conditions', 'merge', 'type', false],
    [core('ServiceAccount'), 'secrets', 'merge', 'name', false],
    [core('ServiceAccount'), 'imagePullSecrets', 'replace', undefined, false],
    ['io.k8s.api.apps.v1.Deployment', 'spec.strategy', 'merge', undefined, true],
    ['io.k8s.api.apps.v1.Deployment', 'status.conditions', 'merge', 'type', false],
    ['io.k8s.api.networking.v1.Ingress', 'spec.rules', 'replace', undefined, false],
    ['io.k8s.api.networking.v1.Ingress', 'spec.rules.http.paths', 'replace', undefined, false],
    ['io.k8s.api.networking.v1.ServiceCIDR', 'status.conditions', 'merge', 'type', false],
    ['io.k8s.api.discovery.v1.EndpointSlice', 'endpoints', 'replace', undefined, false],
    ['io.k8s.api.discovery.v1.EndpointSlice', 'ports', 'replace', undefined, false],
  ]
  for (const [schema, path, strategy, mergeKey, retainKeys] of rows) {
    it(`${schema.slice(schema.lastIndexOf('.') + 1)} ${path}`, () => {
      const found = patchStrategy(schema, path.split('.'))
      assert.deepEqual([found?.strategy, found?.mergeKey, found?.retainKeys], [strategy, mergeKey, retainKeys])
    })
  }

  it('scalars replace, unknown fields and schemas have none', () => {
    assert.equal(patchStrategy(core('Service'), ['spec', 'type'])?.strategy, 'replace')
    assert.equal(patchStrategy(core('Service'), ['spec', 'nope']), undefined)
    assert.equal(patchStrategy('nope', []), undefined)
    assert.equal(patchStrategy(core('Service'), ['constructor']), undefined)
  })
})

describe('applyTopology (api-server.md 10.3)', () => {
  const rows: readonly (readonly [string, string, string, readonly string[], object])[] = [
    [core('Service'), 'spec.ports', 'map', ['port', 'protocol'], { port: 0, protocol: 'TCP' }],
    [core('Service'), 'spec.selector', 'atomic', [], {}],
    [core('Service'), 'status.conditions', 'map', ['type'], {}],
    [core('Service'), 'metadata.ownerReferences', 'map', ['uid'], {}],
    [core('Service'), 'metadata.finalizers', 'set', [], {}],
    [core('Service'), 'metadata.labels', 'granular', [], {}],
    [core('Service'), 'spec', 'granular', [], {}],
    [core('Service'), 'spec.externalIPs', 'atomic', [], {}],
    [core('Pod'), 'spec.containers.ports', 'map', ['containerPort', 'protocol'], { containerPort: 0, protocol: 'TCP' }],
    [core('Pod'), 'spec.nodeSelector', 'atomic', [], {}],
    ['io.k8s.api.discovery.v1.EndpointSlice', 'endpoints.addresses', 'set', [], {}],
    ['io.k8s.api.discovery.v1.EndpointSlice', 'endpoints', 'atomic', [], {}],
  ]
  for (const [schema, path, kind, keys, defaults] of rows) {
    it(`${schema.slice(schema.lastIndexOf('.') + 1)} ${path}`, () => {
      const found = applyTopology(schema, path.split('.'))
      assert.deepEqual([found?.kind, found?.keys], [kind, keys])
      const protocol = (defaults as { protocol?: string }).protocol
      assert.equal(found?.keyDefaults['protocol'], protocol)
    })
  }
})

describe('openapiV3 (api-server.md 5)', () => {
  const document = openapiV3Document(kinds, 'api/v1')

  it('the index names each group version, with a hash of its document', () => {
    const { paths } = openapiV3Index(kinds)
    assert.deepEqual(Object.keys(paths), [
      'api/v1',
      'apis/apiextensions.k8s.io/v1',
      'apis/apps/v1',
      'apis/coordination.k8s.io/v1',
      'apis/discovery.k8s.io/v1',
      'apis/events.k8s.io/v1',
      'apis/networking.k8s.io/v1',
      'apis/rbac.authorization.k8s.io/v1',
    ])
    assert.match(paths['api/v1']?.serverRelativeURL ?? '', /^\/openapi\/v3\/api\/v1\?hash=[A-Z2-7]{32}$/)
    assert.deepEqual(openapiV3Index(kinds), { paths })
  })

  it('a group version may be named either way; an unknown one has no document', () => {
    assert.deepEqual(openapiV3Document(kinds, 'v1'), document)
    assert.equal(openapiV3Document(kinds, 'batch/v1'), undefined)
  })

  it('PATCH of each kind shows fieldValidation, dryRun and what it is', () => {
    for (const kind of kinds) {
      const { group, version, kind: name, resource, namespaced } = kind.info
      const root = group === '' ? '/api/v1' : `/apis/${group}/${version}`
      const path = `${root}${namespaced ? '/namespaces/{namespace}' : ''}/${resource}/{name}`
      const groupVersion = group === '' ? 'v1' : `${group}/${version}`
      const item = openapiV3Document(kinds, groupVersion)?.paths[path] as
        Record<string, Record<string, unknown>> | undefined
      const patch = item?.['patch']
      assert.deepEqual(patch?.['x-kubernetes-group-version-kind'], { group, version, kind: name })
      const parameters = ((patch?.['parameters'] ?? []) as { name: string }[]).map((parameter) => parameter.name)
      assert.ok(parameters.includes('fieldValidation') && parameters.includes('dryRun'))
    }
  })

  it('every reference leads somewhere', () => {
    const { schemas } = document?.components ?? {}
    assert.ok(schemas !== undefined)
    const references = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/([^"]+)/g)].map(
      ([, name]) => name ?? '',
    )
    assert.ok(references.length > 100)
    for (const name of references) {
      assert.ok(Object.hasOwn(schemas, name) || name.endsWith('.Patch'), name)
    }
  })

  it('described are fields that exist, and all of service.spec', () => {
    for (const [name, texts] of Object.entries(DESCRIPTIONS)) {
      const properties = schemaNamed(name)?.properties ?? {}
      for (const field of Object.keys(texts))
        assert.ok(field === '' || Object.hasOwn(properties, field), `${name}.${field}`)
    }
    const spec = document?.components.schemas[core('ServiceSpec')]
    for (const [field, node] of Object.entries(spec?.properties ?? {}))
      assert.ok((node.description ?? '').length > 20, field)
  })
})

describe('openapiV2', () => {
  type Fields = Map<number, (Uint8Array | number)[]>

  function fieldsOf(bytes: Uint8Array): Fields {
    const reader = protobuf.Reader.create(bytes)
    const fields: Fields = new Map()
    while (reader.pos < reader.len) {
      const tag = reader.uint32()
      const value = (tag & 7) === 2 ? reader.bytes() : reader.uint32()
      fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value])
    }
    return fields
  }

  const message = (fields: Fields | undefined, number: number): Fields | undefined => {
    const value = fields?.get(number)?.[0]
    return value instanceof Uint8Array ? fieldsOf(value) : undefined
  }
  const text = (fields: Fields | undefined, number: number): string => {
    const value = fields?.get(number)?.[0]
    return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : ''
  }
  /** Entries of a Named… list. */
  const entries = (fields: Fields | undefined, number: number): Map<string, Fields | undefined> =>
    new Map(
      (fields?.get(number) ?? []).map((value) => {
        const pair = fieldsOf(value as Uint8Array)
        return [text(pair, 1), message(pair, 2)]
      }),
    )

  const document = fieldsOf(openapiV2(kinds))
  const definitions = entries(message(document, 9), 1)

  it('is a v2 document with the definition of each kind and its extensions', () => {
    assert.equal(text(document, 1), '2.0')
    for (const kind of kinds) {
      const extensions = entries(definitions.get(kind.schema), 31)
      const { group, version, kind: name } = kind.info
      const yaml = text(extensions.get('x-kubernetes-group-version-kind'), 2)
      assert.deepEqual(JSON.parse(yaml), [{ group, kind: name, version }])
    }
  })

  it('fields keep their types, references and merge keys', () => {
    const spec = entries(message(definitions.get(core('ServiceSpec')), 25), 1)
    assert.equal(text(message(spec.get('ports'), 22), 1), 'array')
    assert.equal(text(entries(spec.get('ports'), 31).get('x-kubernetes-patch-merge-key'), 2), '"port"')
    assert.equal(text(message(message(spec.get('ports'), 23), 1), 1), `#/definitions/${core('ServicePort')}`)
    const port = entries(message(definitions.get(core('ServicePort')), 25), 1)
    assert.equal(text(port.get('targetPort'), 1), '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString')
    assert.equal(text(port.get('port'), 2), 'int32')
    const intOrString = definitions.get('io.k8s.apimachinery.pkg.util.intstr.IntOrString')
    assert.deepEqual([text(intOrString, 2), text(message(intOrString, 22), 1)], ['int-or-string', 'string'])
  })

  it('PATCH operations carry their parameters and kind', () => {
    const paths = entries(message(document, 8), 2)
    const patch = message(paths.get('/api/v1/namespaces/{namespace}/services/{name}'), 8)
    const names = (patch?.get(8) ?? []).map((value) => {
      const query = message(message(message(fieldsOf(value as Uint8Array), 1), 2), 3)
      return text(query, 4)
    })
    assert.deepEqual(names, ['dryRun', 'fieldManager', 'fieldValidation'])
    const yaml = text(entries(patch, 13).get('x-kubernetes-group-version-kind'), 2)
    assert.deepEqual(JSON.parse(yaml), { group: '', kind: 'Service', version: 'v1' })
  })
})

describe('discovery (api-server.md 3)', () => {
  const GROUPS = [
    'apiextensions.k8s.io',
    'apps',
    'authorization.k8s.io',
    'coordination.k8s.io',
    'discovery.k8s.io',
    'events.k8s.io',
    'networking.k8s.io',
    'rbac.authorization.k8s.io',
  ]
  const extra: readonly ExtraResource[] = [
    { group: '', version: 'v1', name: 'pods/log', namespaced: true, kind: 'Pod', verbs: ['get'] },
    {
      group: 'authorization.k8s.io',
      version: 'v1',
      name: 'selfsubjectaccessreviews',
      namespaced: false,
      kind: 'SelfSubjectAccessReview',
      verbs: ['create'],
    },
  ]

  it('aggregated: core apart from the groups, with short names, categories and subresources', () => {
    const { api, apis } = aggregatedDiscovery(kinds, extra)
    assert.deepEqual(
      api.items.map(({ metadata }) => metadata),
      [{}],
    )
    assert.deepEqual(
      apis.items.map(({ metadata }) => metadata.name),
      GROUPS,
    )
    const workloads = apis.items.find(({ metadata }) => metadata.name === 'apps')?.versions[0]?.resources ?? []
    assert.deepEqual(
      workloads.find(({ resource }) => resource === 'deployments')?.subresources?.map(({ subresource }) => subresource),
      ['scale', 'status'],
    )
    const resources = api.items[0]?.versions[0]?.resources ?? []
    const services = resources.find(({ resource }) => resource === 'services')
    assert.deepEqual(services, {
      resource: 'services',
      responseKind: { group: '', version: '', kind: 'Service' },
      scope: 'Namespaced',
      singularResource: 'service',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['svc'],
      categories: ['all'],
      subresources: [
        {
          subresource: 'status',
          responseKind: { group: '', version: '', kind: 'Service' },
          verbs: ['get', 'patch', 'update'],
        },
      ],
    })
    const pods = resources.find(({ resource }) => resource === 'pods')
    assert.deepEqual(
      pods?.subresources?.map(({ subresource }) => subresource),
      ['log', 'status'],
    )
    assert.equal(resources.find(({ resource }) => resource === 'nodes')?.scope, 'Cluster')
  })

  it('legacy lists', () => {
    const { apis, groups, resourceLists } = legacyDiscovery(kinds, extra)
    const names = (apis as { groups: { name: string }[] }).groups.map(({ name }) => name)
    assert.deepEqual(names, GROUPS)
    const apps = (resourceLists['apis/apps/v1'] as { resources: { name: string; kind: string }[] }).resources
    assert.deepEqual(apps.find(({ name }) => name === 'deployments/scale')?.kind, 'Scale')
    assert.deepEqual(Object.keys(groups), names)
    const list = resourceLists['api/v1'] as { groupVersion: string; resources: { name: string }[] }
    assert.equal(list.groupVersion, 'v1')
    const all = list.resources.map(({ name }) => name)
    for (const name of ['services', 'services/status', 'pods/log', 'namespaces']) assert.ok(all.includes(name), name)
  })
})

describe('generated schemas', () => {
  it('each kind and its list is there, and every pointer resolves', () => {
    for (const kind of kinds) {
      assert.ok(schemaNamed(kind.schema) !== undefined, kind.schema)
      assert.ok(schemaNamed(`${kind.schema}List`) !== undefined, `${kind.schema}List`)
    }
    const open: (SchemaNode | undefined)[] = kinds.map((kind) => schemaNamed(kind.schema))
    assert.ok(open.every((node) => node !== undefined))
  })
})
