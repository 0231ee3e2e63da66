/**
 * The last steps of a chain: names of other zones go to the upstreams of the most specific `forward` that covers them.
 *
 * Differs from CoreDNS (reference section 13): what the upstream says about the target of an ExternalName is passed on,
 * NXDOMAIN and failure included, with the SOA that lets the client remember it (RFC 2308 2.1).
 */
import type { Forwarder, ForwardQuestion, ForwardResult } from '../forward/index.ts'
import type { ZoneAnswer } from '../records/index.ts'
import type { Client, MessageResolution, Resolution, Step } from '../resolve.ts'
import { answered, failure } from '../resolve.ts'
import type { Name, Query, ResourceRecord } from '../wire/index.ts'
import { CLASS, lowerName, RCODE, TYPE, zoneOffset } from '../wire/index.ts'

export type ForwardRoute = { readonly from: Name; readonly except: readonly Name[]; readonly forwarder: Forwarder }

/** The route for a name; the longest `from` wins. */
export function routeOf(routes: readonly ForwardRoute[], name: Name): Forwarder | undefined {
  const lower = lowerName(name)
  let best: ForwardRoute | undefined
  for (const route of routes) {
    if (zoneOffset(lower, route.from) < 0 || route.except.some((zone) => zoneOffset(lower, zone) >= 0)) continue
    if (best === undefined || route.from.length > best.from.length) best = route
  }
  return best?.forwarder
}

/** RFC 8482 4.2: all that is said to ANY, so that nobody uses this server to make small questions big. */
const ANY_REPLY = Buffer.from('\x07RFC8482\0', 'latin1')

export function createForwardStep(routes: readonly ForwardRoute[]): Step {
  return (query, client) => {
    const { name, type } = query.question
    const forwarder = routeOf(routes, name)
    if (forwarder === undefined) return undefined
    if (type === TYPE.ANY) {
      return answered(
        [{ name, type: TYPE.HINFO, class: CLASS.IN, ttl: 3600, data: { kind: 'opaque', bytes: ANY_REPLY } }],
        { authoritative: false, recursionAvailable: true },
      )
    }
    const result = forwarder.forward(forwardQuestion(query, name), client.address)
    return result instanceof Promise ? result.then(relay) : relay(result)
  }
}

function relay(result: ForwardResult): Resolution {
  switch (result.kind) {
    case 'reply':
      return result.message.questions.length === 1
        ? { kind: 'relay', packet: result.packet }
        : failure(result.message.rcode & 15, false)
    case 'refused':
      return failure(RCODE.REFUSED, false)
    case 'failed':
      return { ...failure(RCODE.SERVFAIL, false), recursionAvailable: true }
  }
}

/** The upstream's answers after our CNAMEs; of its authority section only the SOA of a negative answer. */
export function followOutside(
  found: ZoneAnswer & { readonly follow: Name },
  query: Query,
  via: { readonly forwarder: Forwarder; readonly client: Client },
): MessageResolution | Promise<MessageResolution> {
  const result = via.forwarder.forward(forwardQuestion(query, found.follow), via.client.address)
  return result instanceof Promise ? result.then((later) => joined(found, later)) : joined(found, result)
}

function joined(found: ZoneAnswer & { readonly follow: Name }, result: ForwardResult): MessageResolution {
  const failed: MessageResolution = { ...failure(RCODE.SERVFAIL, true), recursionAvailable: true }
  if (result.kind !== 'reply') return failed
  const { message } = result
  const usable = message.rcode === RCODE.NOERROR || message.rcode === RCODE.NXDOMAIN
  if (!usable) return failed
  const asked = message.answers.filter((record) => record.class === CLASS.IN)
  return answered([...found.answers, ...belongingTo(found.follow, asked)], {
    rcode: message.rcode,
    truncated: message.truncated,
    recursionAvailable: true,
    authority: message.authority.filter((record) => record.type === TYPE.SOA),
  })
}

/** Records of the target, or of a name its aliases lead to: nothing else was asked for. */
function belongingTo(target: Name, records: readonly ResourceRecord[]): ResourceRecord[] {
  const wanted = new Set([lowerName(target)])
  return records.filter((record) => {
    if (!wanted.has(lowerName(record.name))) return false
    if (record.type === TYPE.CNAME && record.data.kind === 'name') wanted.add(lowerName(record.data.target))
    return true
  })
}

function forwardQuestion(query: Query, name: Name): ForwardQuestion {
  const { question, edns, recursionDesired, authenticData, checkingDisabled } = query
  return { question: { ...question, name }, edns, recursionDesired, authenticData, checkingDisabled }
}
