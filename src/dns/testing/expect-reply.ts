/** A reply against a row of the query table. */
import assert from 'node:assert/strict'
import type { ResourceRecord } from '../wire/index.ts'
import { formatData, nameToText, rcodeName, typeName } from '../wire/index.ts'
import type { RCODE } from '../wire/index.ts'
import type { Reply } from './dns-client.ts'

export type Expected = {
  readonly rcode?: keyof typeof RCODE
  /** `TYPE data`, in any order; none if not given. */
  readonly answers?: readonly string[]
  readonly additional?: readonly string[]
  /** Owner of the SOA in the authority section; false: there is none. */
  readonly soa?: string | false
}

/** `TYPE data`, sorted. */
export const shown = (records: readonly ResourceRecord[]): string[] =>
  records.map((record) => `${typeName(record.type)} ${formatData(record.data)}`).sort()

export function check(reply: Reply, expected: Expected): void {
  const { message } = reply
  const negative = expected.answers === undefined
  assert.equal(rcodeName(message.rcode), expected.rcode ?? 'NOERROR')
  assert.deepEqual(shown(message.answers), [...(expected.answers ?? [])].sort())
  if (expected.additional !== undefined) assert.deepEqual(shown(message.additional), [...expected.additional].sort())
  const soa = expected.soa ?? (negative ? 'cluster.local.' : false)
  assert.deepEqual(
    message.authority.map((record) => `${nameToText(record.name)} ${typeName(record.type)}`),
    soa === false ? [] : [`${soa} SOA`],
  )
}
