/** `kubernetes [ZONES…] { … }` */
import { parseCidr } from '#lib'
import type { KubernetesConfig } from '../chain/index.ts'
import type { PodsMode } from '../records/index.ts'
import type { Name } from '../wire/index.ts'
import { labelsOf, nameToText, ROOT, zoneOffset } from '../wire/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { refuseOption, whole, zonesOf } from './values.ts'

const PODS: readonly string[] = ['disabled', 'insecure', 'verified']
/** Why an option of the plugin has no place here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  endpoint: 'the API server is chosen by --kubeconfig or the service account',
  tls: 'the API server is chosen by --kubeconfig or the service account',
  kubeconfig: 'the API server is chosen by --kubeconfig or the service account',
  labels: 'objects cannot be selected by label',
  namespace_labels: 'namespaces are chosen by name: namespaces',
  noendpoints: 'headless services would not be answered',
  multicluster: 'multi-cluster services are not known',
  upstream: 'it has no effect in CoreDNS 1.7 and later either',
}

export function readKubernetes(directive: Directive, blockZones: readonly Name[]): KubernetesConfig {
  const zones = directive.args.length > 0 ? directive.args.flatMap((text) => zonesOf(text, directive)) : blockZones
  const forward = zones.filter((zone) => !isReverse(zone))
  const [zone] = forward
  if (zone === undefined || zone === ROOT) refuse(directive, 'kubernetes needs the cluster domain, as cluster.local')
  if (forward.length > 1)
    refuse(directive, 'kubernetes takes one cluster domain; give another one a server block of its own')
  const options = readOptions(directive)
  const { fallthrough } = options
  const passes = (reverse: Name): boolean =>
    fallthrough !== undefined && (fallthrough.length === 0 || fallthrough.some((one) => zoneOffset(reverse, one) >= 0))
  const reverse = zones.filter(isReverse)
  const everywhere = reverse.filter((one) => labelsOf(one).length === 2 && passes(one))
  if (everywhere.length === 1) {
    refuse(directive, 'in-addr.arpa and ip6.arpa fall through both or not at all')
  }
  return {
    ...options.records,
    zone: nameToText(zone),
    reverseEverywhere: everywhere.length === 2,
    reverseCidrs: reverse.filter((one) => !everywhere.includes(one)).map((one) => cidrOf(one, directive)),
    fallthrough:
      fallthrough !== undefined &&
      (fallthrough.length === 0 || fallthrough.some((one) => one === zone || one === ROOT)),
  }
}

type Options = {
  records: {
    ttl: number
    pods: PodsMode
    endpointPodNames: boolean
    ignoreEmptyService: boolean
    namespaces?: string[]
  }
  fallthrough: readonly Name[] | undefined
}

/** The defaults are the plugin's, not kubeadm's. */
function readOptions(directive: Directive): Options {
  const options: Options = {
    records: { ttl: 5, pods: 'disabled', endpointPodNames: false, ignoreEmptyService: false },
    fallthrough: undefined,
  }
  const { records } = options
  for (const option of directive.block ?? []) {
    const [first, ...rest] = option.args
    switch (option.name) {
      case 'pods':
        if (first === undefined || !PODS.includes(first) || rest.length > 0) {
          refuse(option, `pods takes one of ${PODS.join(', ')}`)
        }
        records.pods = first as PodsMode
        break
      case 'ttl':
        records.ttl = whole(first, option, { from: 0, to: 3600 })
        break
      case 'endpoint_pod_names':
        records.endpointPodNames = true
        break
      case 'namespaces':
        if (first === undefined) refuse(option, 'namespaces takes names')
        records.namespaces = [...option.args]
        break
      case 'ignore':
        if (first !== 'empty_service') refuse(option, 'ignore takes empty_service')
        records.ignoreEmptyService = true
        break
      case 'fallthrough':
        options.fallthrough = option.args.flatMap((text) => zonesOf(text, option))
        break
      case 'startup_timeout':
        // This server listens at once, and says SERVFAIL until it knows.
        break
      default: {
        const why = ELSEWHERE[option.name]
        if (why !== undefined) refuse(option, `the option ${option.name} of kubernetes is not supported: ${why}`)
        refuseOption(option, 'kubernetes')
      }
    }
  }
  return options
}

function isReverse(zone: Name): boolean {
  return zone.endsWith('\x07in-addr\x04arpa\0') || zone.endsWith('\x03ip6\x04arpa\0')
}

/** `96.10.in-addr.arpa` is 10.96.0.0/16. */
function cidrOf(zone: Name, directive: Directive): string {
  const labels = labelsOf(zone)
  const parts = labels.slice(0, -2).reverse()
  const four = labels.at(-2) === 'in-addr'
  const text = four
    ? `${[...parts, '0', '0', '0', '0'].slice(0, 4).join('.')}/${8 * parts.length}`
    : `${(parts.join('') + '0'.repeat(32 - parts.length)).replaceAll(/.{4}(?!$)/g, '$&:')}/${4 * parts.length}`
  return parseCidr(text) === undefined ? refuse(directive, `${nameToText(zone)} is not a reverse zone`) : text
}
