/**
 * The house as data: which folder of src/ may import which, and which Node.js built-ins each may touch beyond the inert
 * ones. The only copy; check-layers.mjs enforces it and writes the table in ARCHITECTURE.md from it.
 */

/** Built-ins without effects on the outside world: free for all. */
export const inert = [
  'util',
  'crypto',
  'events',
  'stream',
  'buffer',
  'url',
  'assert',
  'diagnostics_channel',
  'test',
  'path',
]

/** @type {Record<string, { rank: number, holds: string, imports: string[], builtins: string[] }>} */
export const layers = {
  lib: {
    rank: 0,
    holds: 'IP and CIDR arithmetic, stable order, hash, backoff, clock, errors, logger interface',
    imports: [],
    builtins: [],
  },
  api: { rank: 1, holds: 'Kubernetes object types in scope, defaulting, validation', imports: ['lib'], builtins: [] },
  rulesets: {
    rank: 1,
    holds: 'a ruleset as a value: AST, parser, printer, evaluator, one folder a language',
    imports: ['lib'],
    builtins: [],
  },
  kernel: {
    rank: 2,
    holds: 'the only doors to Linux, each with its shipped fake',
    imports: ['lib', 'rulesets'],
    builtins: ['child_process', 'fs', 'os', 'net', 'dgram', 'tty'],
  },
  watch: {
    rank: 2,
    holds: 'kubeconfig, list and watch, ClusterState with the services a change touched',
    imports: ['lib', 'api'],
    builtins: ['https', 'http', 'tls', 'net', 'fs'],
  },
  allocators: { rank: 2, holds: 'cluster IPs and node ports', imports: ['lib', 'api'], builtins: [] },
  model: {
    rank: 3,
    holds: 'endpoint selection and traffic policies, with the reason for each refusal',
    imports: ['lib', 'api'],
    builtins: [],
  },
  apiserver: {
    rank: 3,
    holds: 'HTTP, storage, one file per kind, patch, tables, discovery',
    imports: ['lib', 'api', 'allocators'],
    builtins: ['https', 'http', 'tls', 'net', 'fs', 'sqlite', 'zlib'],
  },
  dataplane: {
    rank: 4,
    holds: 'model to DataplanePlan: the narrow waist',
    imports: ['lib', 'api', 'model'],
    builtins: [],
  },
  controllers: {
    rank: 4,
    holds: 'endpointslice, endpoints, namespace, node: API in, API out',
    imports: ['lib', 'api', 'watch', 'allocators'],
    builtins: [],
  },
  dns: {
    rank: 4,
    holds: 'query to answer, forward',
    imports: ['lib', 'api', 'watch'],
    builtins: ['dgram', 'net', 'http', 'tls'],
  },
  loadbalancer: {
    rank: 4,
    holds: 'pools, announcement, balancing over nodes',
    imports: ['lib', 'api', 'watch', 'allocators', 'kernel'],
    builtins: ['net', 'dgram'],
  },
  ingress: {
    rank: 4,
    holds: 'rules to route table to proxy',
    imports: ['lib', 'api', 'watch'],
    builtins: ['http', 'https', 'tls', 'net'],
  },
  backends: {
    rank: 5,
    holds: 'plan to program (pure) to kernel, one folder a mode; never a sibling mode',
    imports: ['lib', 'rulesets', 'dataplane', 'kernel'],
    builtins: [],
  },
  proxy: {
    rank: 6,
    holds: 'the node loop: coalesce, apply, retry',
    imports: ['lib', 'api', 'watch', 'model', 'dataplane', 'backends', 'kernel'],
    builtins: ['http'],
  },
  explain: {
    rank: 6,
    holds: 'packet walk and story, from the same stages',
    imports: ['lib', 'rulesets', 'api', 'model', 'dataplane', 'backends', 'kernel', 'dns'],
    builtins: [],
  },
  lab: {
    rank: 6,
    holds: 'nodes and pods as namespaces, pod processes, topology, host relays',
    imports: ['lib', 'api', 'watch', 'kernel'],
    builtins: ['child_process', 'fs', 'http', 'net', 'dgram', 'os', 'zlib'],
  },
  console: {
    rank: 7,
    holds: 'HTTP and event stream behind the page; wire types',
    imports: ['lib', 'api', 'model', 'dataplane', 'explain'],
    builtins: ['http', 'fs'],
  },
  app: {
    rank: 8,
    holds: 'composition roots: run-demo, run-box, run-proxy, run-dns',
    imports: [
      'lib',
      'rulesets',
      'api',
      'kernel',
      'watch',
      'allocators',
      'model',
      'apiserver',
      'dataplane',
      'controllers',
      'dns',
      'loadbalancer',
      'ingress',
      'backends',
      'proxy',
      'explain',
      'lab',
      'console',
    ],
    builtins: ['*'],
  },
  cli: {
    rank: 9,
    holds: 'one file a command',
    imports: ['lib', 'app', 'explain'],
    builtins: ['process', 'readline', 'fs', 'tty'],
  },
}

/** Folders whose sub-folders are rooms of their own, entered by their own index and closed to each other except `shared`. */
export const splitFolders = ['rulesets', 'backends']
