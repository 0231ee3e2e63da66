/**
 * What a name inside the cluster zone asks for. Read from the right, as the reference's section 3 has it (CoreDNS
 * plugin/kubernetes/parse.go); wildcards are ordinary labels.
 */
export type ClusterName =
  /** The apex, `svc.<zone>`, `pod.<zone>`. */
  | { readonly kind: 'container' }
  | { readonly kind: 'namespace'; readonly namespace: string }
  | {
      readonly kind: 'service'
      readonly namespace: string
      readonly service: string
      readonly endpoint: string | undefined
      /** Empty or undefined: any. */
      readonly port: string | undefined
      readonly protocol: string | undefined
    }
  | { readonly kind: 'pod'; readonly namespace: string; readonly label: string }
  | { readonly kind: 'version' }
  /** `ns.dns.<zone>`, the name server of last resort; `dns.<zone>` above it exists too (RFC 8020). */
  | { readonly kind: 'name-server' }
  | { readonly kind: 'invalid'; readonly why: 'too-many-labels' | 'not-svc-or-pod'; readonly label: string }

const CONTAINER: ClusterName = { kind: 'container' }
const VERSION: ClusterName = { kind: 'version' }
const NAME_SERVER: ClusterName = { kind: 'name-server' }

/** `labels`: lower case, left to right, without the zone's own. */
export function parseClusterName(labels: readonly string[]): ClusterName {
  const count = labels.length
  const area = labels[count - 1]
  const namespace = labels[count - 2]
  const name = labels[count - 3]
  if (area === undefined) return CONTAINER
  if (area !== 'svc' && area !== 'pod') return parseSpecial(labels, area)
  if (namespace === undefined) return CONTAINER
  if (name === undefined) return { kind: 'namespace', namespace }
  if (area === 'pod') return count === 3 ? { kind: 'pod', namespace, label: name } : tooMany(labels)
  if (count > 5) return tooMany(labels)
  return {
    kind: 'service',
    namespace,
    service: name,
    endpoint: count === 4 ? labels[0] : undefined,
    port: count === 5 ? withoutUnderscore(labels[0]) : undefined,
    protocol: count === 5 ? withoutUnderscore(labels[1]) : undefined,
  }
}

function parseSpecial(labels: readonly string[], area: string): ClusterName {
  if (labels.length === 1 && area === 'dns-version') return VERSION
  if (area === 'dns' && labels.length === 1) return CONTAINER
  if (area === 'dns' && labels.length === 2 && labels[0] === 'ns') return NAME_SERVER
  return { kind: 'invalid', why: 'not-svc-or-pod', label: area }
}

function tooMany(labels: readonly string[]): ClusterName {
  return { kind: 'invalid', why: 'too-many-labels', label: labels[0] ?? '' }
}

function withoutUnderscore(label: string | undefined): string | undefined {
  return label?.startsWith('_') === true ? label.slice(1) : label
}
