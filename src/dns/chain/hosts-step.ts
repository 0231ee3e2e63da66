/** Names from a hosts file (hosts(5)), forwards and backwards, before the cluster's own (CoreDNS plugin/hosts). */
import { canonicalAddress } from '#lib'
import type { Step } from '../resolve.ts'
import { answered, failure } from '../resolve.ts'
import type { Name, ResourceRecord } from '../wire/index.ts'
import { addressBytes, CLASS, lowerName, nameFromText, RCODE, TYPE } from '../wire/index.ts'
import { reverseNameOf } from '../records/index.ts'
import type { HostsConfig } from './block-config.ts'

export function createHostsStep(config: HostsConfig): Step {
  const forwards = new Map<Name, { readonly type: number; readonly bytes: Uint8Array }[]>()
  const backwards = new Map<Name, Name[]>()
  for (const { address, names } of config.entries) {
    for (const text of names) {
      const name = nameFromText(text)
      if (name === undefined) continue
      const lower = lowerName(name)
      const type = address.includes(':') ? TYPE.AAAA : TYPE.A
      forwards.set(lower, [...(forwards.get(lower) ?? []), { type, bytes: addressBytes(address) }])
      const reverse = reverseNameOf(address)
      if (config.reverse) backwards.set(reverse, [...(backwards.get(reverse) ?? []), name])
    }
  }
  return (query) => {
    const { name, type } = query.question
    const lower = lowerName(name)
    const common = { name, class: CLASS.IN, ttl: config.ttl }
    const targets = type === TYPE.PTR ? backwards.get(lower) : undefined
    if (targets !== undefined) {
      const answers = targets.map((target): ResourceRecord => ({ ...common, type, data: { kind: 'name', target } }))
      return answered(answers, { stable: true })
    }
    const found = forwards.get(lower)
    // Without a zone of its own there is no SOA to deny with; CoreDNS says SERVFAIL, too.
    if (found === undefined) return config.fallthrough ? undefined : { ...failure(RCODE.SERVFAIL, false), stable: true }
    const answers = found
      .filter((one) => one.type === type)
      .map(({ bytes }): ResourceRecord => ({ ...common, type, data: { kind: 'address', bytes } }))
    return answered(answers, { stable: true })
  }
}

/** The lines of a hosts file; comments and what is no address are left out. */
export function hostsEntries(text: string): HostsConfig['entries'][number][] {
  return text.split('\n').flatMap((line) => {
    const [first, ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    const address = canonicalAddress(first ?? '')
    return address === undefined || names.length === 0 ? [] : [{ address, names }]
  })
}
