/**
 * What a pod reads about itself: /etc/resolv.conf, /etc/hosts and its hostname. Pure. The forms are kubelet's
 * (pkg/kubelet/network/dns, pkg/kubelet/kubelet_pods.go), because resolvers and people depend on them.
 */
import type { Pod, PodSpec } from '#api'

export type ClusterDns = { readonly address: string; readonly domain: string }

/** RFC 1123 label; the kernel's limit is 64. */
const HOSTNAME_LIMIT = 63

export function podHostname(pod: Pod): string {
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, HOSTNAME_LIMIT).replace(/[-.]+$/, '')
}

/** Content of /etc/resolv.conf, or undefined where the pod is to see the host's own. */
export function resolvConf(pod: Pod, dns: ClusterDns): string | undefined {
  const base = baseOf(pod, dns)
  if (base === undefined && pod.spec.dnsConfig === undefined) return undefined
  const extra = pod.spec.dnsConfig ?? {}
  const nameservers = unique([...(base?.nameservers ?? []), ...(extra.nameservers ?? [])])
  const searches = unique([...(base?.searches ?? []), ...(extra.searches ?? [])])
  const options = mergeOptions(base?.options ?? [], extra.options ?? [])
  return [
    ...nameservers.map((address) => `nameserver ${address}`),
    ...(searches.length === 0 ? [] : [`search ${searches.join(' ')}`]),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    '',
  ].join('\n')
}

type Resolver = {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

function baseOf(pod: Pod, dns: ClusterDns): Resolver | undefined {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'None') return { nameservers: [], searches: [], options: [] }
  // ClusterFirst means Default for a pod in the node's network, which is why ClusterFirstWithHostNet exists.
  if (policy === 'Default' || (policy === 'ClusterFirst' && pod.spec.hostNetwork === true)) return undefined
  const namespace = pod.metadata.namespace ?? 'default'
  return {
    nameservers: [dns.address],
    searches: [`${namespace}.svc.${dns.domain}`, `svc.${dns.domain}`, dns.domain],
    options: ['ndots:5'],
  }
}

/** A later option replaces an earlier one of the same name. */
function mergeOptions(
  base: readonly string[],
  extra: NonNullable<NonNullable<PodSpec['dnsConfig']>['options']>,
): readonly string[] {
  const merged = new Map(base.map((option) => [option.split(':', 1)[0] ?? option, option]))
  for (const { name, value } of extra) {
    if (name === undefined || name === '') continue
    merged.set(name, value === undefined || value === '' ? name : `${name}:${value}`)
  }
  return [...merged.values()].filter(isOneWord)
}

export function hostsFile(pod: Pod, addresses: readonly string[], dns: ClusterDns): string {
  const hostname = podHostname(pod)
  const { subdomain, hostAliases } = pod.spec
  const qualified = `${hostname}.${subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${dns.domain}`
  const names = subdomain === undefined || subdomain === '' ? hostname : `${qualified}\t${hostname}`
  return [
    '# Written by the node for this pod.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'ff00::0\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...addresses.map((address) => `${address}\t${names}`),
    ...((hostAliases ?? []).length === 0 ? [] : ['', '# From hostAliases.']),
    ...(hostAliases ?? []).map(({ ip, hostnames }) => [ip, ...(hostnames ?? [])].filter(isOneWord).join('\t')),
    '',
  ].join('\n')
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words.filter(isOneWord))]
}

/** The API server has validated these; a line break here would still be somebody else's line. */
function isOneWord(text: string): boolean {
  return text !== '' && !/\s/.test(text)
}
