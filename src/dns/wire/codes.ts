/** Numbers of the DNS protocol (IANA "Domain Name System Parameters") that this server reads or writes. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const CLASS = { IN: 1, CH: 3, ANY: 255 } as const

export const OPCODE = { QUERY: 0, NOTIFY: 4, UPDATE: 5 } as const

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Extended (RFC 6891): its upper eight bits travel in the OPT record. */
  BADVERS: 16,
} as const

const TYPE_NAMES = new Map<number, string>(Object.entries(TYPE).map(([name, code]) => [code, name]))
const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]))
const CLASS_NAMES = new Map<number, string>(Object.entries(CLASS).map(([name, code]) => [code, name]))

/** `A`, or `TYPE1234` (RFC 3597) for the rest. */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`
}

export function className(value: number): string {
  return CLASS_NAMES.get(value) ?? `CLASS${value}`
}

export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`
}

/** The type's number, from `a`, `AAAA` or `TYPE65`. */
export function typeFromName(text: string): number | undefined {
  const upper = text.toUpperCase()
  const generic = /^TYPE(\d{1,5})$/.exec(upper)
  if (generic !== null) {
    const code = Number(generic[1])
    return code <= 0xffff ? code : undefined
  }
  return Object.hasOwn(TYPE, upper) ? TYPE[upper as keyof typeof TYPE] : undefined
}
