/** Numbers of the nf_tables protocol (linux/netfilter/nf_tables.h, nfnetlink.h, nf_nat.h; types: nftables' datatype.h). */
import type { NftHook, ValueType } from '#rulesets/nftables'

export const NETLINK_NETFILTER = 12
/** Bit of the multicast group that tells of changes to nf_tables. */
export const NFNLGRP_NFTABLES = 1 << (7 - 1)

export const BATCH = { begin: 0x10, end: 0x11, subsystem: 10, generation: 1 } as const

const SUBSYSTEM = 10 << 8
export const MSG = {
  newTable: SUBSYSTEM | 0,
  getTable: SUBSYSTEM | 1,
  delTable: SUBSYSTEM | 2,
  newChain: SUBSYSTEM | 3,
  getChain: SUBSYSTEM | 4,
  delChain: SUBSYSTEM | 5,
  newRule: SUBSYSTEM | 6,
  getRule: SUBSYSTEM | 7,
  delRule: SUBSYSTEM | 8,
  newSet: SUBSYSTEM | 9,
  getSet: SUBSYSTEM | 10,
  delSet: SUBSYSTEM | 11,
  newElements: SUBSYSTEM | 12,
  getElements: SUBSYSTEM | 13,
  delElements: SUBSYSTEM | 14,
  newGeneration: SUBSYSTEM | 15,
  getGeneration: SUBSYSTEM | 16,
} as const

export const FLAG = { request: 0x1, dump: 0x300, create: 0x400, append: 0x800 } as const

export const FAMILY = { ip: 2, ip6: 10, inet: 1 } as const

export const TABLE = { name: 1, flags: 2, userdata: 6 } as const
export const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7, userdata: 12 } as const
export const HOOK = { number: 1, priority: 2 } as const
export const RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const
export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  description: 9,
  id: 10,
  timeout: 11,
  userdata: 13,
} as const
export const SET_DESCRIPTION = { size: 1, concatenation: 2, field: 1, fieldLength: 1 } as const
export const SET_FLAG = {
  anonymous: 0x1,
  constant: 0x2,
  interval: 0x4,
  map: 0x8,
  timeout: 0x10,
  dynamic: 0x20,
  concatenation: 0x80,
} as const
export const ELEMENTS = { table: 1, set: 2, elements: 3, setId: 4 } as const
export const ELEMENT = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  keyEnd: 10,
} as const
export const INTERVAL_END = 1
export const DATA = { value: 1, verdict: 2 } as const
export const VERDICT = { code: 1, chain: 2 } as const
export const LIST_ELEMENT = 1
export const EXPRESSION = { name: 1, data: 2 } as const

export const VERDICT_CODES = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const
export const VERDICT_TYPE = 0xffffff00

export const HOOKS: readonly NftHook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting']

/** Key and data types are six bits each, the first field of a concatenation on top. */
export const TYPE_BITS = 6
export const TYPE_NUMBERS: Readonly<Record<ValueType, number>> = {
  nf_proto: 2,
  integer: 4,
  ipv4_addr: 7,
  ipv6_addr: 8,
  inet_proto: 12,
  inet_service: 13,
  mark: 19,
  ct_state: 26,
  ct_dir: 27,
  ct_status: 28,
  ifname: 41,
  fib_addrtype: 38,
}

export const NAT_FLAG = { random: 0x4, persistent: 0x8, 'fully-random': 0x10 } as const
export const NAT_PROTO_SPECIFIED = 0x2
