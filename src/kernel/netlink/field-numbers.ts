/** How a field is read from a packet: the expression and its numbers, in both directions. */
import { FIELDS } from '#rulesets/nftables'
import type { NftField, NftKeyPart } from '#rulesets/nftables'

/** `attributes`: number of the attribute and its value, the destination register (always 1) left out. */
export type FieldNumbers = {
  readonly expression: 'payload' | 'meta' | 'ct' | 'fib' | 'numgen'
  readonly attributes: readonly (readonly [number, number])[]
}

const NETWORK = 1
const TRANSPORT = 2
const FIB_ADDRESS_TYPE = 3
const NUMGEN_RANDOM = 1

const NUMBERS: Readonly<Record<NftField, FieldNumbers>> = {
  'ip saddr': payload(NETWORK, 12, 4),
  'ip daddr': payload(NETWORK, 16, 4),
  'ip6 saddr': payload(NETWORK, 8, 16),
  'ip6 daddr': payload(NETWORK, 24, 16),
  'th sport': payload(TRANSPORT, 0, 2),
  'th dport': payload(TRANSPORT, 2, 2),
  'tcp sport': payload(TRANSPORT, 0, 2),
  'tcp dport': payload(TRANSPORT, 2, 2),
  'udp sport': payload(TRANSPORT, 0, 2),
  'udp dport': payload(TRANSPORT, 2, 2),
  'sctp sport': payload(TRANSPORT, 0, 2),
  'sctp dport': payload(TRANSPORT, 2, 2),
  'meta mark': { expression: 'meta', attributes: [[2, 3]] },
  iifname: { expression: 'meta', attributes: [[2, 6]] },
  oifname: { expression: 'meta', attributes: [[2, 7]] },
  'meta nfproto': { expression: 'meta', attributes: [[2, 15]] },
  'meta l4proto': { expression: 'meta', attributes: [[2, 16]] },
  'ct state': { expression: 'ct', attributes: [[2, 0]] },
  'ct direction': { expression: 'ct', attributes: [[2, 1]] },
  'ct status': { expression: 'ct', attributes: [[2, 2]] },
  'ct mark': { expression: 'ct', attributes: [[2, 3]] },
  'fib saddr type': fib(1),
  'fib daddr type': fib(2),
}

export function loadField(part: NftKeyPart): FieldNumbers {
  if (typeof part === 'string') return NUMBERS[part]
  return {
    expression: 'numgen',
    attributes: [
      [2, part.modulus],
      [3, NUMGEN_RANDOM],
      [4, 0],
    ],
  }
}

/** The field with these numbers, and for a payload how many of its bytes are read. Ports come back as `th`. */
export function findField(
  expression: string,
  attribute: (number: number) => number | undefined,
): { readonly part: NftKeyPart; readonly length?: number } | undefined {
  if (expression === 'numgen') {
    const modulus = attribute(2)
    const plain = attribute(3) === NUMGEN_RANDOM && (attribute(4) ?? 0) === 0
    return plain && modulus !== undefined ? { part: { numgen: 'random', modulus } } : undefined
  }
  const length = expression === 'payload' ? attribute(4) : undefined
  const part = FIELDS.find((field) => {
    const numbers = NUMBERS[field]
    return (
      numbers.expression === expression &&
      numbers.attributes.every(([number, value]) =>
        number === 4 && length !== undefined ? length <= value : attribute(number) === value,
      )
    )
  })
  if (part === undefined) return undefined
  return length === undefined ? { part } : { part, length }
}

function payload(base: number, offset: number, length: number): FieldNumbers {
  return {
    expression: 'payload',
    attributes: [
      [2, base],
      [3, offset],
      [4, length],
    ],
  }
}

function fib(flags: number): FieldNumbers {
  return {
    expression: 'fib',
    attributes: [
      [3, flags],
      [2, FIB_ADDRESS_TYPE],
    ],
  }
}
