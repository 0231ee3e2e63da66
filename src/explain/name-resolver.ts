/** Which names a resolver tries for a name, and in which order: resolv.conf(5), glibc res_query.c. Pure. */
export type NameResolver = {
  readonly nameservers: readonly string[]
  readonly searches: readonly string[]
  readonly ndots: number
}

/** resolv.conf(5): what holds without the option. */
const DEFAULT_NDOTS = 1
/** resolv.conf(5): more means fifteen. */
const MAX_NDOTS = 15

export function parseResolver(resolvConf: string): NameResolver {
  const nameservers: string[] = []
  let searches: readonly string[] = []
  let ndots = DEFAULT_NDOTS
  for (const line of resolvConf.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/)
    if (key === 'nameserver' && values[0] !== undefined) nameservers.push(values[0])
    if (key === 'search') searches = values
    if (key === 'domain') searches = values.slice(0, 1)
    for (const value of key === 'options' ? values : []) {
      const given = /^ndots:(\d+)$/.exec(value)?.[1]
      if (given !== undefined) ndots = Math.min(Number(given), MAX_NDOTS)
    }
  }
  return { nameservers, searches, ndots }
}

export type TriedName = {
  /** With the trailing dot. */
  readonly name: string
  /** The search domain put behind it; undefined: the name as it was given. */
  readonly search: string | undefined
}

export function namesTried(name: string, resolver: NameResolver): readonly TriedName[] {
  if (name.endsWith('.')) return [{ name, search: undefined }]
  const asGiven: TriedName = { name: `${name}.`, search: undefined }
  const searched = resolver.searches.map((search): TriedName => {
    const domain = search.replace(/\.$/, '')
    return { name: domain === '' ? asGiven.name : `${name}.${domain}.`, search: domain }
  })
  const dots = name.split('.').length - 1
  return dots >= resolver.ndots ? [asGiven, ...searched] : [...searched, asGiven]
}
