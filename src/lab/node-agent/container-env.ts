/**
 * A container's environment: literal values, fields of its pod, keys of config maps and secrets, and $(NAME) references
 * among them. What cannot be resolved is an answer (`problem`), which the pod's status shows as CreateContainerConfigError.
 */
import type { ConfigMap, Container, EnvVar, Pod, Secret } from '#api'

export type EnvSources = {
  readonly pod: Pod
  /** Known to the node before the API server has heard of them. */
  readonly podAddresses: readonly string[]
  readonly hostAddresses: readonly string[]
  readonly configMap: (name: string) => Promise<ConfigMap | undefined>
  readonly secret: (name: string) => Promise<Secret | undefined>
}

/** As container runtimes set it where the image does not. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export type Environment = Readonly<Record<string, string>>
export type ResolvedEnv = { readonly env: Environment; readonly problem?: undefined } | { readonly problem: string }

/** `base` comes first: references may name it, the container's own variables win over it. */
export async function resolveEnv(container: Container, base: Environment, sources: EnvSources): Promise<ResolvedEnv> {
  const env: Record<string, string> = { ...base }
  for (const variable of container.env ?? []) {
    const found = await valueOf(variable, env, sources)
    if ('problem' in found) return found
    if (found.value !== undefined) env[variable.name] = found.value
  }
  return { env }
}

type Found = { readonly value: string | undefined } | { readonly problem: string }

async function valueOf(variable: EnvVar, env: Environment, sources: EnvSources): Promise<Found> {
  const { fieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {}
  if (fieldRef !== undefined) {
    const value = podField(fieldRef.fieldPath, sources)
    return value === undefined ? { problem: `unsupported fieldPath: ${fieldRef.fieldPath}` } : { value }
  }
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef
    const object = await sources.configMap(name)
    return keyOf({
      what: 'configmap',
      name,
      key,
      optional,
      data: object === undefined ? undefined : (object.data ?? {}),
    })
  }
  if (secretKeyRef !== undefined) {
    const { name = '', key, optional } = secretKeyRef
    const object = await sources.secret(name)
    const data = object === undefined ? undefined : decoded(object.data ?? {})
    return keyOf({ what: 'secret', name, key, optional, data })
  }
  return { value: expandReferences(variable.value ?? '', env) }
}

type KeyQuestion = {
  readonly what: string
  readonly name: string
  readonly key: string
  readonly optional: boolean | undefined
  readonly data: Environment | undefined
}

function keyOf({ what, name, key, optional, data }: KeyQuestion): Found {
  const value = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined
  if (value !== undefined || optional === true) return { value }
  if (data === undefined) return { problem: `${what} "${name}" not found` }
  return { problem: `couldn't find key ${key} in ${what} ${name}` }
}

function decoded(data: Environment): Environment {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

/** The downward API's fields for environment variables (pkg/fieldpath, kubelet_pods.go podFieldSelectorRuntimeValue). */
function podField(path: string, sources: EnvSources): string | undefined {
  const { metadata, spec } = sources.pod
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed !== null) {
    const from = (keyed[1] === 'labels' ? metadata.labels : metadata.annotations) ?? {}
    return from[keyed[2] ?? ''] ?? ''
  }
  const fields: Environment = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace ?? '',
    'metadata.uid': metadata.uid ?? '',
    'spec.nodeName': spec.nodeName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'status.podIP': sources.podAddresses[0] ?? '',
    'status.podIPs': sources.podAddresses.join(','),
    'status.hostIP': sources.hostAddresses[0] ?? '',
    'status.hostIPs': sources.hostAddresses.join(','),
  }
  return Object.hasOwn(fields, path) ? fields[path] : undefined
}

/**
 * `$(NAME)` becomes the variable's value, `$$` a dollar sign, and a reference to an unknown name stays as it is
 * (third_party/forked/golang/expansion).
 */
export function expandReferences(text: string, env: Environment): string {
  return text.replaceAll(/\$\$|\$\(([^()]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$'
    return Object.hasOwn(env, name) ? (env[name] ?? whole) : whole
  })
}
