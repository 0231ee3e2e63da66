/**
 * Which form an answer takes: the first entry of `Accept` that can be served, `*` as JSON. Never 406 while JSON is in the
 * list: clients put protobuf first and expect the server to pass over it (api-server.md 2.1).
 */
export type Form =
  | { readonly type: 'json' }
  | { readonly type: 'yaml' }
  | { readonly type: 'table' | 'partial'; readonly version: 'v1' | 'v1beta1' }

export type MediaRange = { readonly type: string; readonly parameters: ReadonlyMap<string, string> }

/** Entries in the order of their quality, then as written. */
export function parseAccept(header: string | undefined): readonly MediaRange[] {
  const ranges = (header === undefined || header.trim() === '' ? '*/*' : header).split(',').map((entry) => {
    const [type = '', ...rest] = entry.split(';').map((part) => part.trim())
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const at = part.indexOf('=')
        return at < 0 ? [part.toLowerCase(), ''] : [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]
      }),
    )
    const quality = Number(parameters.get('q') ?? '1')
    return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality }
  })
  return ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality)
}

const AVAILABLE = ['application/json', 'application/yaml']

/** Undefined: nothing that was asked for can be served. */
export function chooseForm(header: string | undefined): Form | undefined {
  for (const { type, parameters } of parseAccept(header)) {
    const as = parameters.get('as')
    if (as !== undefined) {
      const version = parameters.get('v')
      if (type !== 'application/json' || parameters.get('g') !== 'meta.k8s.io') continue
      if (version !== 'v1' && version !== 'v1beta1') continue
      if (as === 'Table') return { type: 'table', version }
      if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { type: 'partial', version }
      continue
    }
    if (type === 'application/json' || type === '*/*' || type === 'application/*') return { type: 'json' }
    if (type === 'application/yaml') return { type: 'yaml' }
  }
  return undefined
}

export function notAcceptableText(): string {
  return `406: Not Acceptable\n\nAvailable representations: ${AVAILABLE.join(', ')}`
}
