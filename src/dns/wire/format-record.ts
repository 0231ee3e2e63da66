/** Records as master-file text (RFC 1035 section 5, RFC 3597 for unknown types): for people, explanations and tests. */
import { addressText } from './address-bytes.ts'
import { className, typeName } from './codes.ts'
import type { RecordData, ResourceRecord } from './message.ts'
import { escapeBytes, nameToText } from './name.ts'

/** `web.default.svc.cluster.local. 30 IN A 10.96.1.1` */
export function formatRecord(record: ResourceRecord): string {
  const { name, ttl, type, data } = record
  return `${nameToText(name)} ${ttl} ${className(record.class)} ${typeName(type)} ${formatData(data)}`
}

export function formatData(data: RecordData): string {
  switch (data.kind) {
    case 'address':
      return addressText(data.bytes)
    case 'name':
      return nameToText(data.target)
    case 'mx':
      return `${data.preference} ${nameToText(data.target)}`
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${nameToText(data.target)}`
    case 'soa': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = data
      return `${nameToText(mname)} ${nameToText(rname)} ${serial} ${refresh} ${retry} ${expire} ${minimum}`
    }
    case 'txt':
      return data.strings
        .map((bytes) => `"${escapeBytes(Buffer.from(bytes).toString('latin1'), /[^ -~]|[\\"]/g)}"`)
        .join(' ')
    case 'opaque':
      return `\\# ${data.bytes.length} ${Buffer.from(data.bytes).toString('hex')}`.trimEnd()
  }
}
