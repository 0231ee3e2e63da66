/** What a URL path names (apiserver endpoints/request/requestinfo.go). */
export type ResourceRoute = {
  readonly type: 'resource'
  readonly group: string
  readonly version: string
  /** Plural. */
  readonly resource: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  /** The legacy `/watch/` prefix. */
  readonly watch: boolean
}

export type Route = ResourceRoute | { readonly type: 'other'; readonly path: string }

/** Words after `namespaces/NAME` that belong to the namespace itself. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

/** Undefined: the path is not valid percent-encoding. */
export function routeOf(path: string): Route | undefined {
  const parts: string[] = []
  for (const part of path.split('/').filter((one) => one !== '')) {
    try {
      parts.push(decodeURIComponent(part))
    } catch {
      return undefined
    }
  }
  const [root, ...rest] = parts
  if (root === 'api' && rest.length >= 2) return resourceRoute({ group: '', version: rest[0] as string }, rest.slice(1))
  if (root === 'apis' && rest.length >= 3) {
    return resourceRoute({ group: rest[0] as string, version: rest[1] as string }, rest.slice(2))
  }
  return { type: 'other', path: `/${parts.join('/')}` }
}

function resourceRoute(api: { group: string; version: string }, parts: readonly string[]): Route {
  const watch = parts[0] === 'watch' && parts.length > 1
  const path = watch ? parts.slice(1) : parts
  const route = (namespace: string | undefined, rest: readonly string[]): Route => {
    const [resource, name, ...sub] = rest
    const subresource = sub.length === 0 ? undefined : sub.join('/')
    return { type: 'resource', ...api, resource: resource as string, namespace, name, subresource, watch }
  }
  if (path[0] !== 'namespaces' || path.length < 3) return route(undefined, path)
  const ofNamespace = path.length === 3 && NAMESPACE_SUBRESOURCES.has(path[2] as string)
  return ofNamespace ? route(undefined, path) : route(path[1], path.slice(2))
}
