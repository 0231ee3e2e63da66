/**
 * Makes src/apiserver/schema/generated/kubernetes-1.36.json: the schema and wire facts that the kinds in scope reach.
 *
 *   node script/generate-schema.mjs FOLDER [--check]
 *
 * FOLDER holds kubernetes-1.36-schemas.json (OpenAPI v3 component schemas without descriptions),
 * kubernetes-1.36-protobuf-fields.json ({message: {field: [number, type]}}) and kubernetes-1.36-presence-fields.json
 * ({message: [jsonName]}), all of Kubernetes 1.36.2 (Apache-2.0). With --check nothing is written; a difference is exit 1.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SCHEMA_ROOTS = [
  ...['Namespace', 'Node', 'Pod', 'Service', 'Endpoints', 'ConfigMap', 'Secret', 'ServiceAccount', 'Event'].flatMap(
    (kind) => [`core.v1.${kind}`, `core.v1.${kind}List`],
  ),
  ...['EndpointSlice', 'EndpointSliceList'].map((kind) => `discovery.v1.${kind}`),
  ...['Lease', 'LeaseList'].map((kind) => `coordination.v1.${kind}`),
  ...['Event', 'EventList'].map((kind) => `events.v1.${kind}`),
  ...['Ingress', 'IngressClass', 'ServiceCIDR', 'IPAddress'].flatMap((kind) => [
    `networking.v1.${kind}`,
    `networking.v1.${kind}List`,
  ]),
  ...['Deployment', 'ReplicaSet'].flatMap((kind) => [`apps.v1.${kind}`, `apps.v1.${kind}List`]),
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].flatMap((kind) => [
    `rbac.v1.${kind}`,
    `rbac.v1.${kind}List`,
  ]),
  ...['SelfSubjectReview', 'TokenRequest', 'TokenReview'].map((kind) => `authentication.v1.${kind}`),
  ...['SelfSubjectAccessReview', 'SelfSubjectRulesReview', 'SubjectAccessReview'].map(
    (kind) => `authorization.v1.${kind}`,
  ),
].map((name) => `io.k8s.api.${name}`)

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const CRD = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'
const EXTRA_SCHEMAS = [
  `${META}.DeleteOptions`,
  `${META}.Patch`,
  `${CRD}.CustomResourceDefinition`,
  `${CRD}.CustomResourceDefinitionList`,
]
const EXTRA_MESSAGES = ['k8s.io.apimachinery.pkg.runtime.Unknown', 'k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions']

function read(folder, name) {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'))
}

function reach(roots, targetsOf) {
  const seen = new Set()
  const open = [...roots]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    open.push(...targetsOf(name))
  }
  return [...seen].sort()
}

function refsIn(node) {
  if (Array.isArray(node)) return node.flatMap(refsIn)
  if (typeof node !== 'object' || node === null) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === '$ref' && typeof value === 'string' ? [value.slice('#/components/schemas/'.length)] : refsIn(value),
  )
}

function messagesIn(fields) {
  return Object.values(fields).flatMap(([, type]) => type.match(/k8s\.io\.[\w.]+/g) ?? [])
}

function must(table, name) {
  const entry = table[name]
  if (entry === undefined) throw new Error(`${name} is missing from the source`)
  return entry
}

function pick(table, names) {
  return Object.fromEntries(names.filter((name) => name in table).map((name) => [name, table[name]]))
}

function generate(folder) {
  const schemas = read(folder, 'kubernetes-1.36-schemas.json')
  const messages = read(folder, 'kubernetes-1.36-protobuf-fields.json')
  const presence = read(folder, 'kubernetes-1.36-presence-fields.json')
  const schemaNames = reach([...SCHEMA_ROOTS, ...EXTRA_SCHEMAS], (name) => refsIn(must(schemas, name)))
  const messageRoots = SCHEMA_ROOTS.filter((name) => !name.endsWith('List')).map((name) =>
    name.replace(/^io\.k8s\./, 'k8s.io.'),
  )
  const messageNames = reach([...messageRoots, ...EXTRA_MESSAGES], (name) => messagesIn(must(messages, name)))
  return `${JSON.stringify({
    origin: 'Kubernetes 1.36.2: OpenAPI v3 component schemas and generated.proto field facts. Apache-2.0.',
    madeBy: 'script/generate-schema.mjs',
    schemas: pick(schemas, schemaNames),
    messages: pick(messages, messageNames),
    presence: pick(presence, messageNames),
  })}\n`
}

const folder = process.argv[2]
if (folder === undefined) {
  console.error('usage: node script/generate-schema.mjs FOLDER [--check]')
  process.exit(2)
}
const target = fileURLToPath(new URL('../src/apiserver/schema/generated/kubernetes-1.36.json', import.meta.url))
const text = generate(folder)
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('the generated file differs from its source')
    process.exit(1)
  }
} else writeFileSync(target, text)
