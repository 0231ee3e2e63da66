/** Whatever JSON stands in whatever field: validators find something or nothing, but never throw; nor do defaults. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import fc from 'fast-check'

import { defaultEndpoints, defaultEndpointSlice, defaultNode, defaultSecret } from '../defaults/default-objects.ts'
import { defaultDeployment, defaultReplicaSet } from '../defaults/default-apps.ts'
import { defaultIngressClass, defaultRoleBinding } from '../defaults/default-rbac.ts'
import { defaultPod } from '../defaults/default-pod.ts'
import { defaultService } from '../defaults/default-service.ts'
import { validateConfigMapUpdate, validateSecretUpdate } from './config-data.ts'
import { validateEndpointSliceUpdate, validateEndpointsUpdate } from './endpoints.ts'
import { validateEvent, validateLease } from './event-and-lease.ts'
import { validateCustomResourceDefinitionUpdate } from './custom-resource-definition.ts'
import { validateEventV1, validateEventV1Update } from './event-v1.ts'
import type { FieldError } from './field-error.ts'
import { validateIngressClassUpdate } from './ingress-class.ts'
import { validateIngress } from './ingress.ts'
import { validateNodeUpdate } from './node.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts'
import { validatePodUpdate } from './pod.ts'
import { validateRole, validateRoleBindingUpdate } from './rbac.ts'
import { validateIPAddressUpdate, validateServiceCIDRUpdate } from './service-ranges.ts'
import { validateServiceUpdate } from './service-update.ts'
import { serviceWarnings } from './service-warnings.ts'
import { validateDeploymentUpdate, validateReplicaSetUpdate } from './workloads.ts'

type Check = (value: unknown, old: unknown) => readonly FieldError[] | readonly string[]
type Case = {
  readonly sample: object
  readonly checks: readonly Check[]
  readonly defaults?: (value: never) => unknown
}

const metadata = {
  name: 'a',
  namespace: 'b',
  labels: { a: 'b' },
  annotations: { a: 'b' },
  finalizers: ['a/b'],
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }],
  managedFields: [{ operation: 'Update' }],
}
const probe = { httpGet: { port: 80, path: '/', httpHeaders: [{ name: 'a', value: 'b' }] }, periodSeconds: 1 }

const cases: Readonly<Record<string, Case>> = {
  ObjectMeta: {
    sample: metadata,
    checks: [
      (value) => validateObjectMeta(value, { namespaced: true, nameRule: 'label' }),
      (value, old) => validateObjectMetaUpdate(value, old),
    ],
  },
  Service: {
    sample: {
      metadata,
      spec: {
        type: 'LoadBalancer',
        ports: [{ name: 'a', port: 80, targetPort: 'b', protocol: 'TCP', nodePort: 1, appProtocol: 'x' }],
        clusterIP: '10.0.0.1',
        clusterIPs: ['10.0.0.1'],
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        selector: { a: 'b' },
        externalIPs: ['192.0.2.1'],
        sessionAffinity: 'ClientIP',
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } },
        loadBalancerSourceRanges: ['10.0.0.0/8'],
        loadBalancerClass: 'a/b',
        healthCheckNodePort: 1,
        externalTrafficPolicy: 'Local',
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
    },
    checks: [validateServiceUpdate, (value) => serviceWarnings(value)],
    defaults: defaultService,
  },
  EndpointSlice: {
    sample: {
      addressType: 'IPv4',
      endpoints: [
        { addresses: ['10.0.0.1'], conditions: { ready: true }, hostname: 'a', hints: { forZones: [{ name: 'z' }] } },
      ],
      ports: [{ name: 'a', port: 1, protocol: 'TCP', appProtocol: 'x' }],
    },
    checks: [validateEndpointSliceUpdate],
    defaults: defaultEndpointSlice,
  },
  Endpoints: {
    sample: { subsets: [{ addresses: [{ ip: '10.0.0.1', hostname: 'a' }], ports: [{ name: 'a', port: 1 }] }] },
    checks: [validateEndpointsUpdate],
    defaults: defaultEndpoints,
  },
  Pod: {
    sample: {
      spec: {
        containers: [
          {
            name: 'c',
            image: 'a:1',
            command: ['x'],
            env: [{ name: 'A', value: 'b' }],
            ports: [{ name: 'a', containerPort: 1, hostPort: 1, hostIP: '10.0.0.1', protocol: 'TCP' }],
            readinessProbe: probe,
          },
        ],
        initContainers: [
          { name: 'i', image: 'a', restartPolicy: 'Always', startupProbe: { exec: { command: ['a'] } } },
        ],
        hostAliases: [{ ip: '10.0.0.1', hostnames: ['a'] }],
        dnsConfig: { nameservers: ['10.0.0.1'], searches: ['a.b'] },
        nodeSelector: { a: 'b' },
        tolerations: [{ key: 'a' }],
        nodeName: 'n',
      },
    },
    checks: [validatePodUpdate],
    defaults: defaultPod,
  },
  Node: {
    sample: {
      spec: { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'], taints: [{ key: 'a', effect: 'NoExecute' }] },
      status: {
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    },
    checks: [validateNodeUpdate],
    defaults: defaultNode,
  },
  ConfigMap: {
    sample: { data: { a: 'b' }, binaryData: { b: 'AAAA' }, immutable: true },
    checks: [validateConfigMapUpdate],
  },
  Secret: {
    sample: { data: { a: 'AAAA' }, stringData: { b: 'c' }, type: 'kubernetes.io/tls', immutable: true },
    checks: [validateSecretUpdate],
    defaults: defaultSecret,
  },
  Event: {
    sample: { metadata, involvedObject: { namespace: 'b' }, count: 1, eventTime: 'x' },
    checks: [validateEvent],
  },
  Lease: { sample: { spec: { holderIdentity: 'a', leaseDurationSeconds: 1 } }, checks: [validateLease] },
  EventV1: {
    sample: { metadata, regarding: { namespace: 'b' }, eventTime: 'x', series: { count: 2 }, deprecatedSource: {} },
    checks: [validateEventV1, validateEventV1Update],
  },
  Ingress: {
    sample: {
      metadata,
      spec: {
        ingressClassName: 'a',
        defaultBackend: { resource: { kind: 'a', name: 'b', apiGroup: 'c' } },
        rules: [
          {
            host: 'a.b',
            http: {
              paths: [
                { path: '/', pathType: 'Exact', backend: { service: { name: 'a', port: { number: 1, name: 'b' } } } },
              ],
            },
          },
        ],
        tls: [{ hosts: ['a'], secretName: 'b' }],
      },
      status: { loadBalancer: { ingress: [{ ip: '10.0.0.1', hostname: 'a' }] } },
    },
    checks: [validateIngress],
  },
  IngressClass: {
    sample: { spec: { controller: 'a.b/c', parameters: { kind: 'a', name: 'b', scope: 'Namespace', namespace: 'c' } } },
    checks: [validateIngressClassUpdate],
    defaults: defaultIngressClass,
  },
  ServiceCIDR: { sample: { spec: { cidrs: ['10.0.0.0/8', 'fd00::/112'] } }, checks: [validateServiceCIDRUpdate] },
  IPAddress: {
    sample: { spec: { parentRef: { group: 'a', resource: 'b', namespace: 'c', name: 'd' } } },
    checks: [validateIPAddressUpdate],
  },
  Deployment: {
    sample: {
      spec: {
        replicas: 1,
        selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'a' }] } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: '1%' } },
        minReadySeconds: 1,
        progressDeadlineSeconds: 2,
      },
      status: { replicas: 1, readyReplicas: 1 },
    },
    checks: [validateDeploymentUpdate],
    defaults: defaultDeployment,
  },
  ReplicaSet: {
    sample: { spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template: { spec: { containers: [] } } } },
    checks: [validateReplicaSetUpdate],
    defaults: defaultReplicaSet,
  },
  Role: {
    sample: { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], nonResourceURLs: ['/a'] }] },
    checks: [(value) => validateRole(value, { namespaced: true })],
  },
  RoleBinding: {
    sample: {
      roleRef: { apiGroup: 'a', kind: 'Role', name: 'b' },
      subjects: [{ kind: 'User', apiGroup: 'a', name: 'b', namespace: 'c' }],
    },
    checks: [(value, old) => validateRoleBindingUpdate(value, old, { namespaced: false })],
    defaults: defaultRoleBinding,
  },
  CustomResourceDefinition: {
    sample: {
      metadata,
      spec: {
        group: 'a.b',
        names: { plural: 'as', kind: 'A', singular: 'a' },
        scope: 'Cluster',
        conversion: { strategy: 'None' },
        versions: [
          {
            name: 'v1',
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { a: { type: 'array', items: { type: 'string', pattern: 'a' } } },
                anyOf: [{ required: ['a'] }],
              },
            },
          },
        ],
      },
      status: { storedVersions: ['v1'] },
    },
    checks: [validateCustomResourceDefinitionUpdate],
  },
}

/** Every path of the sample, the root included. */
function pathsOf(value: unknown, at: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [at]
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return [at, ...keys.flatMap((key) => pathsOf((value as Record<string | number, unknown>)[key], [...at, key]))]
}

function replaced(value: unknown, path: readonly (string | number)[], by: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return by
  if (Array.isArray(value)) return value.map((item: unknown, i) => (i === key ? replaced(item, rest, by) : item))
  const record = value as Record<string | number, unknown>
  return { ...record, [key]: replaced(record[key], rest, by) }
}

describe('validators on any JSON', () => {
  for (const [kind, { sample, checks, defaults }] of Object.entries(cases)) {
    it(`${kind}: errors, never exceptions`, () => {
      const paths = pathsOf(sample)
      fc.assert(
        fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, by) => {
          const value = replaced(sample, path, by)
          for (const check of checks) {
            for (const [now, old] of [
              [value, sample],
              [sample, value],
              [value, value],
            ] as const) {
              for (const error of check(now, old)) if (typeof error !== 'string') assert.ok(error.message !== '')
            }
          }
          // Defaults see what the decoder let through: objects, if not of the right shape inside.
          if (defaults !== undefined && typeof value === 'object' && value !== null && !Array.isArray(value)) {
            defaults(value as never)
          }
        }),
        { numRuns: 300 },
      )
    })

    if (defaults === undefined) continue
    it(`${kind}: defaults are idempotent`, () => {
      const once = defaults(sample as never)
      assert.deepEqual(defaults(once as never), once)
    })
  }
})
