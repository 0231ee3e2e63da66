/** `signalbox explain --name`: what a pod's resolver tries for a name, and what cluster DNS says to each, and why. */
import type { Namespace, Pod } from '#api'
import { NAMESPACES, objectKey } from '#api'
import type { Zone } from '#dns'
import { createZone } from '#dns'
import { explainName, formatNameExplanation, parseResolver } from '#explain'
import type { NameExplanation, NameResolver } from '#explain'
import { resolvConf } from '#lab'
import { SignalboxError, systemClock } from '#lib'

import { readManifests } from '../read-manifests.ts'
import { readBox } from '../box/box-record.ts'
import type { ClusterObjects } from './gather-objects.ts'
import { listAll, objectsFromApi, objectsFromManifests } from './gather-objects.ts'
import type { ExplainAnswer, ExplainOptions } from './run-explain.ts'
import { connectForReading } from './run-explain.ts'

export type ExplainNameOptions = Pick<
  ExplainOptions,
  'filename' | 'kubeconfig' | 'stateDir' | 'json' | 'from' | 'namespace'
> & {
  readonly name: string
  readonly zone: string
}

export async function runExplainName(options: ExplainNameOptions): Promise<ExplainAnswer> {
  const { objects, namespaces } = await gather(options)
  const pod = options.from === undefined ? undefined : podNamed(options.from, options.namespace, objects.pods)
  const namespace = pod?.metadata.namespace ?? options.namespace
  const resolver = resolverOf(pod, { namespace, objects, zone: options.zone })
  const explanation = explainName({
    name: options.name,
    ...(pod === undefined ? {} : { from: `pod ${objectKey(pod)}` }),
    resolver,
    zone: zoneOf(objects, namespaces, options.zone),
    facts: {
      service: (key) => objects.state.services.get(key),
      slicesOf: (key) => objects.state.slicesOf(key),
      pods: objects.pods,
      namespace,
    },
  })
  const text = options.json === true ? JSON.stringify(explanation) : formatNameExplanation(explanation)
  return { text: `${text}\n`, arrives: isFound(explanation) }
}

/** A name that is left to upstreams counts if it could be anybody's; no host has a name of one label there. */
function isFound({ verdict, name }: NameExplanation): boolean {
  return verdict === 'resolves' || (verdict === 'unknown' && name.replace(/\.$/, '').includes('.'))
}

async function gather(
  options: ExplainNameOptions,
): Promise<{ objects: ClusterObjects; namespaces: readonly string[] }> {
  if (options.filename !== undefined) {
    const objects = objectsFromManifests(readManifests(options.filename))
    const used = [...objects.state.services.keys(), ...objects.pods.map(objectKey)].map(
      (key) => key.split('/', 1)[0] ?? '',
    )
    return { objects, namespaces: [...new Set([...used, 'default'])] }
  }
  const box = options.kubeconfig === undefined ? readBox(options.stateDir) : undefined
  const client = connectForReading(options, box)
  const [objects, namespaces] = await Promise.all([objectsFromApi(client), listAll<Namespace>(client, NAMESPACES)])
  return { objects, namespaces: namespaces.map(({ metadata }) => metadata.name) }
}

function podNamed(name: string, namespace: string, pods: readonly Pod[]): Pod {
  const key = name.includes('/') ? name : `${namespace}/${name}`
  const pod = pods.find((one) => objectKey(one) === key || one.status?.podIP === name)
  if (pod === undefined) throw new SignalboxError('SBX_EXPLAIN_NOT_FOUND', `there is no Pod ${key}`)
  return pod
}

type Place = { readonly namespace: string; readonly objects: ClusterObjects; readonly zone: string }

/** As the kubelet writes it; of a pod nobody named, as it does for most. */
function resolverOf(pod: Pod | undefined, { namespace, objects, zone }: Place): NameResolver {
  const usual: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'any', namespace }, spec: { containers: [] } }
  const address = objects.state.services.get('kube-system/kube-dns')?.spec.clusterIP ?? 'cluster DNS'
  const text = resolvConf(pod ?? usual, { address, domain: zone })
  if (text !== undefined) return parseResolver(text)
  throw new SignalboxError(
    'SBX_EXPLAIN_NO_ADDRESS',
    `pod ${pod?.metadata.name ?? ''} uses the resolver of its node (dnsPolicy Default or the node's network): cluster DNS is not asked`,
  )
}

function zoneOf(objects: ClusterObjects, namespaces: readonly string[], zone: string): Zone {
  const made = createZone({
    zone,
    ttl: 30,
    pods: 'insecure',
    endpointPodNames: false,
    ignoreEmptyService: false,
    reverseCidrs: [],
    reverseEverywhere: true,
    ownAddresses: [],
    now: () => Math.floor(systemClock.now() / 1000),
  })
  for (const namespace of namespaces) made.setNamespace(namespace, true)
  for (const [key, service] of objects.state.services) {
    made.setService(key, service)
    for (const slice of objects.state.slicesOf(key)) made.setSlice(objectKey(slice), slice)
  }
  for (const resource of ['namespaces', 'services', 'endpointslices'] as const) made.markSynced(resource)
  return made
}
