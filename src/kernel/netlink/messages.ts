/** Netlink framing: messages out of what was read, attributes out of messages (linux/netlink.h). Host order is assumed little-endian, as on all platforms the C library binding exists for. */

const HEADER = 16
const NLMSG_NOOP = 1
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const NLM_F_DUMP_INTR = 0x10
const NLM_F_CAPPED = 0x100
const NLM_F_ACK_TLVS = 0x200
const NLMSGERR_ATTR_MSG = 1
const NLMSGERR_ATTR_OFFS = 2
const NLA_TYPE_MASK = 0x3fff

export type NetlinkError = {
  readonly kind: 'error'
  readonly sequence: number
  /** 0: an acknowledgement. */
  readonly errno: number
  /** The kernel's own words, where it has some. */
  readonly message?: string
  /** Where in the refused message the attribute at fault begins. */
  readonly offset?: number
}

export type NetlinkMessage =
  | NetlinkError
  | { readonly kind: 'done'; readonly sequence: number }
  | {
      readonly kind: 'data'
      readonly type: number
      readonly sequence: number
      /** Something changed while the kernel was listing: the answer may be incomplete. */
      readonly interrupted: boolean
      readonly payload: Uint8Array
    }

export function readMessages(data: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = []
  const view = viewOf(data)
  for (let at = 0; at + HEADER <= data.length;) {
    const length = view.getUint32(at, true)
    // A length that cannot be is the end of what can be understood.
    if (length < HEADER || at + length > data.length) break
    const type = view.getUint16(at + 4, true)
    const flags = view.getUint16(at + 6, true)
    const sequence = view.getUint32(at + 8, true)
    const payload = data.subarray(at + HEADER, at + length)
    if (type === NLMSG_ERROR) messages.push(readError(payload, flags, sequence))
    else if (type === NLMSG_DONE) messages.push({ kind: 'done', sequence })
    else if (type !== NLMSG_NOOP) {
      messages.push({ kind: 'data', type, sequence, interrupted: (flags & NLM_F_DUMP_INTR) !== 0, payload })
    }
    at += (length + 3) & ~3
  }
  return messages
}

function readError(payload: Uint8Array, flags: number, sequence: number): NetlinkError {
  const view = viewOf(payload)
  const error: NetlinkError = { kind: 'error', sequence, errno: -view.getInt32(0, true) }
  if ((flags & NLM_F_ACK_TLVS) === 0) return error
  // The refused message's header is repeated, and without capping the message itself.
  const skipped = 4 + ((flags & NLM_F_CAPPED) === 0 ? view.getUint32(4, true) : HEADER)
  const attributes = readAttributes(payload.subarray((skipped + 3) & ~3))
  const message = attributes.get(NLMSGERR_ATTR_MSG)
  const offset = attributes.get(NLMSGERR_ATTR_OFFS)
  return {
    ...error,
    ...(message === undefined ? {} : { message: readText(message) }),
    ...(offset === undefined ? {} : { offset: viewOf(offset).getUint32(0, true) }),
  }
}

export type Attributes = ReadonlyMap<number, Uint8Array>

/** Of attributes that come more than once the last counts; lists are read by `listAttributes`. */
export function readAttributes(data: Uint8Array): Attributes {
  const attributes = new Map<number, Uint8Array>()
  eachAttribute(data, (type, value) => attributes.set(type, value))
  return attributes
}

export function listAttributes(data: Uint8Array | undefined): Uint8Array[] {
  const values: Uint8Array[] = []
  if (data !== undefined) eachAttribute(data, (_, value) => values.push(value))
  return values
}

export function eachAttribute(data: Uint8Array, visit: (type: number, value: Uint8Array) => void): void {
  const view = viewOf(data)
  for (let at = 0; at + 4 <= data.length;) {
    const length = view.getUint16(at, true)
    if (length < 4 || at + length > data.length) return
    visit(view.getUint16(at + 2, true) & NLA_TYPE_MASK, data.subarray(at + 4, at + length))
    at += (length + 3) & ~3
  }
}

export function readText(data: Uint8Array): string {
  const end = data.indexOf(0)
  return Buffer.from(data.subarray(0, end < 0 ? data.length : end)).toString('utf8')
}

export function viewOf(data: Uint8Array): DataView {
  return new DataView(data.buffer, data.byteOffset, data.byteLength)
}
