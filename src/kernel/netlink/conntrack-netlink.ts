/** Flows over ctnetlink (linux/netfilter/nfnetlink_conntrack.h). */
import type { Family } from '#lib'
import { numberToAddress, SignalboxError } from '#lib'
import type { ConntrackDoor, Direction, Flow } from '../flow.ts'
import { ERRNO, errnoName } from './errno.ts'
import type { Attributes, NetlinkMessage } from './messages.ts'
import { readAttributes, viewOf } from './messages.ts'
import { MessageWriter } from './message-writer.ts'
import { openNetlink } from './socket.ts'

const NETLINK_NETFILTER = 12
const FLAG = { request: 0x1, dump: 0x300 } as const
const ADDRESS_FAMILY = { IPv4: 2, IPv6: 10 } as const
const SUBSYSTEM = 1 << 8
const MSG = { get: SUBSYSTEM | 1, delete: SUBSYSTEM | 2, statistics: SUBSYSTEM | 5 } as const
const CTA = { original: 1, reply: 2, id: 12, zone: 18, filter: 25 } as const
const TUPLE = { ip: 1, protocol: 2, zone: 3 } as const
const PROTOCOL = { number: 1, sourcePort: 2, destinationPort: 3 } as const
const FILTER_ORIGINAL_FLAGS = 1
/** Compare the protocol number of the original direction alone. */
const FILTER_PROTOCOL = 1 << 3
const NESTED = 0x8000
const MESSAGE_HEADER = 4
const UDP = 17
/** Messages a send: their complaints must fit into the receive buffer. */
const BATCH = 500

/** @throws SBX_NETLINK_UNAVAILABLE, or SBX_CONNTRACK_FAILED where this kernel has no ctnetlink or the right is missing */
export async function openConntrackNetlink(family: Family): Promise<ConntrackDoor> {
  const socket = await openNetlink(NETLINK_NETFILTER)
  const af = ADDRESS_FAMILY[family]
  const request = (type: number, flags: number, fill: (writer: MessageWriter) => void): Uint8Array => {
    const writer = new MessageWriter(256)
    const start = writer.beginMessage({ type, flags: FLAG.request | flags, sequence: 0, family: af })
    fill(writer)
    writer.endMessage(start)
    return writer.data
  }
  const refused = firstError(socket.request(request(MSG.statistics, 0, () => undefined)))
  if (refused !== undefined) {
    socket.close()
    throw failure(`this kernel lists no flows: ${errnoName(refused)}`)
  }
  return {
    family,
    via: 'netlink',
    udpFlows: () =>
      settle(() => {
        const answers = socket.request(request(MSG.get, FLAG.dump, askForUdp))
        const error = firstError(answers)
        if (error !== undefined && error !== ERRNO.EINTR)
          throw failure(`flows could not be listed: ${errnoName(error)}`)
        const data = answers.filter((message) => message.kind === 'data')
        const complete = error === undefined && !data.some(({ interrupted }) => interrupted)
        const flows = data.map(({ payload }) => readFlow(payload, family)).filter((flow) => flow !== undefined)
        return { flows, complete }
      }),
    remove: (flows) =>
      settle(() => {
        let removed = 0
        let failed = 0
        for (let from = 0; from < flows.length; from += BATCH) {
          const batch = flows.slice(from, from + BATCH)
          const errors = socket.transact(encodeRemovals(batch, af))
          const gone = errors.filter(({ errno }) => errno === ERRNO.ENOENT).length
          removed += batch.length - errors.length
          failed += errors.length - gone
        }
        return { removed, failed }
      }),
    close: () => socket.close(),
  }
}

/** Older kernels (before 5.8) do not know the filter and list everything, so the answer is looked through as well. */
function askForUdp(writer: MessageWriter): void {
  const original = writer.beginNest(CTA.original)
  const protocol = writer.beginNest(TUPLE.protocol)
  writer.bytes(PROTOCOL.number, Uint8Array.of(UDP))
  writer.endNest(protocol)
  writer.endNest(original)
  const filter = writer.beginNest(CTA.filter)
  writer.bytes(FILTER_ORIGINAL_FLAGS, new Uint8Array(Uint32Array.of(FILTER_PROTOCOL).buffer))
  writer.endNest(filter)
}

function encodeRemovals(flows: readonly Flow[], af: number): Uint8Array {
  const writer = new MessageWriter(flows.length * 128 + 256)
  for (const [index, { handle }] of flows.entries()) {
    const start = writer.beginMessage({ type: MSG.delete, flags: FLAG.request, sequence: index + 1, family: af })
    // The tuple, zone and id as the kernel wrote them: the id keeps a later flow over the same ports safe.
    const attributes = readAttributes(handle ?? new Uint8Array())
    for (const type of [CTA.original, CTA.zone, CTA.id]) {
      const value = attributes.get(type)
      if (value !== undefined) writer.bytes(type === CTA.original ? type | NESTED : type, value)
    }
    writer.endMessage(start)
  }
  return writer.data
}

function readFlow(payload: Uint8Array, family: Family): Flow | undefined {
  const handle = payload.subarray(MESSAGE_HEADER)
  const attributes = readAttributes(handle)
  const original = readDirection(attributes.get(CTA.original), family)
  const reply = readDirection(attributes.get(CTA.reply), family)
  return original === undefined || reply === undefined ? undefined : { original, reply, handle }
}

function readDirection(tuple: Uint8Array | undefined, family: Family): Direction | undefined {
  const parts = nested(tuple)
  const ip = nested(parts?.get(TUPLE.ip))
  const protocol = nested(parts?.get(TUPLE.protocol))
  if (ip === undefined || protocol?.get(PROTOCOL.number)?.[0] !== UDP) return undefined
  const [sourceType, destinationType] = family === 'IPv4' ? [1, 2] : [3, 4]
  return {
    source: { address: addressOf(ip.get(sourceType), family), port: portOf(protocol.get(PROTOCOL.sourcePort)) },
    destination: {
      address: addressOf(ip.get(destinationType), family),
      port: portOf(protocol.get(PROTOCOL.destinationPort)),
    },
  }
}

function nested(data: Uint8Array | undefined): Attributes | undefined {
  return data === undefined ? undefined : readAttributes(data)
}

function addressOf(bytes: Uint8Array | undefined, family: Family): string {
  if (bytes === undefined) return ''
  if (family === 'IPv4') return bytes.join('.')
  return numberToAddress(
    bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n),
    family,
  )
}

function portOf(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? 0 : viewOf(bytes).getUint16(0, false)
}

function firstError(messages: readonly NetlinkMessage[]): number | undefined {
  for (const message of messages) if (message.kind === 'error' && message.errno !== 0) return message.errno
  return undefined
}

function failure(text: string): SignalboxError {
  return new SignalboxError('SBX_CONNTRACK_FAILED', text)
}

/** The work itself is synchronous. */
function settle<Result>(work: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    resolve(work())
  })
}
