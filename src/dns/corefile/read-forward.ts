/** `forward FROM TO… { … }` */
import type { ForwardConfig } from '../chain/index.ts'
import type { ForwardPolicy, Upstream } from '../forward/index.ts'
import { nameserversOf, parseUpstream, POLICIES } from '../forward/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { duration, refuseOption, whole, zonesOf } from './values.ts'

/** CoreDNS plugin/forward: maxUpstreams. */
const MAX_UPSTREAMS = 15

export function readForward(directive: Directive, readText: (path: string) => string | undefined): ForwardConfig {
  const [fromText, ...targets] = directive.args
  if (fromText === undefined || targets.length === 0) refuse(directive, 'forward takes a zone and its upstreams')
  const [from, another] = zonesOf(fromText, directive)
  if (from === undefined || another !== undefined) refuse(directive, `forward takes one zone, not ${fromText}`)
  const draft = readOptions(directive, readText)
  const { tls, serverName, ca, ...options } = draft
  const upstreams = targets.flatMap((text) => upstreamsOf(text, directive, readText))
  if (upstreams.length > MAX_UPSTREAMS) refuse(directive, `forward takes at most ${MAX_UPSTREAMS} upstreams`)
  const withTls = (upstream: Upstream): Upstream =>
    upstream.tls === undefined
      ? upstream
      : {
          ...upstream,
          tls: {
            ...upstream.tls,
            ...(serverName === undefined ? {} : { serverName }),
            ...(ca === undefined ? {} : { ca }),
          },
        }
  if (tls && upstreams.every((upstream) => upstream.tls === undefined)) {
    refuse(directive, 'tls is for upstreams that are written tls://ADDRESS')
  }
  return { from, ...options, upstreams: upstreams.map(withTls) }
}

function upstreamsOf(text: string, directive: Directive, readText: (path: string) => string | undefined): Upstream[] {
  const upstream = parseUpstream(text)
  if (upstream !== undefined) return [upstream]
  const content = readText(text)
  if (content === undefined) refuse(directive, `${text} is neither an address nor a file that can be read`)
  const found = nameserversOf(content)
  return found.length > 0 ? found : refuse(directive, `${text} names no nameserver`)
}

type Draft = Omit<{ -readonly [K in keyof ForwardConfig]: ForwardConfig[K] }, 'from' | 'upstreams'> & {
  tls: boolean
  serverName?: string
  ca?: string
}

function readOptions(directive: Directive, readText: (path: string) => string | undefined): Draft {
  const draft: Draft = { except: [], policy: 'random', forceTcp: false, healthChecked: true, tls: false }
  for (const option of directive.block ?? []) {
    const [first] = option.args
    switch (option.name) {
      case 'except':
        draft.except = option.args.flatMap((text) => zonesOf(text, option))
        break
      case 'force_tcp':
        draft.forceTcp = true
        break
      case 'prefer_udp':
        // As it is anyway: UDP first, TCP after truncation.
        break
      case 'policy':
        if (!(POLICIES as readonly (string | undefined)[]).includes(first))
          refuse(option, `policy takes one of ${POLICIES.join(', ')}`)
        draft.policy = first as ForwardPolicy
        break
      case 'max_fails':
        draft.healthChecked = whole(first, option, { from: 0, to: 1000 }) > 0
        break
      case 'max_concurrent':
        draft.maxConcurrent = whole(first, option, { from: 0, to: 1_000_000 }) || 1_000_000
        break
      case 'expire':
        draft.expireMilliseconds = duration(first, option)
        break
      case 'health_check':
        if (option.args.length > 1)
          refuse(option, `health_check takes a duration only, not ${option.args.slice(1).join(' ')}`)
        draft.probeMilliseconds = duration(first, option)
        break
      case 'tls_servername':
        if (first === undefined) refuse(option, 'tls_servername takes a name')
        draft.serverName = first
        draft.tls = true
        break
      case 'tls': {
        draft.tls = true
        if (first === undefined) break
        if (option.args.length > 1)
          refuse(option, 'client certificates for upstreams are not supported: tls takes a CA file')
        draft.ca = readText(first) ?? refuse(option, `${first} cannot be read`)
        break
      }
      default:
        refuseOption(option, 'forward')
    }
  }
  return draft
}
