/**
 * What the two ends of a relay say to each other over the unix socket. One connection carries one TCP stream or one UDP
 * flow: the outside sends a line of JSON with the address it wants, the inside answers with a line, then come the bytes;
 * for UDP each datagram has its length in two bytes before it.
 */
import type { Socket } from 'node:net'

export type RelayProtocol = 'TCP' | 'UDP'

export type RelayTarget = { readonly protocol: RelayProtocol; readonly host: string; readonly port: number }

export type RelayAnswer = { readonly ok: true } | { readonly ok: false; readonly error: string }

/** Below the runtime directory of the sandbox. */
export const RELAY_SOCKET = 'relay.sock'

const HEADER_LIMIT = 1024

/**
 * The first line, parsed; undefined if there is none within the limit. What came with it is put back into the stream, and the
 * socket is paused until somebody reads on.
 */
export function readHeader(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => {
    let head = Buffer.alloc(0)
    const finish = (value: unknown): void => {
      socket.off('data', onData)
      socket.off('end', onEnd)
      socket.off('close', onEnd)
      socket.pause()
      resolve(value)
    }
    const onEnd = (): void => finish(undefined)
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(10)
      if (end < 0 && head.length <= HEADER_LIMIT) return
      const line = end < 0 ? undefined : head.subarray(0, end).toString('utf8')
      finish(line === undefined ? undefined : parse(line))
      if (end >= 0 && end + 1 < head.length) socket.unshift(head.subarray(end + 1))
    }
    socket.on('data', onData)
    socket.once('end', onEnd)
    socket.once('close', onEnd)
  })
}

export function writeHeader(socket: Socket, value: RelayTarget | RelayAnswer): void {
  socket.write(`${JSON.stringify(value)}\n`)
}

export function isRelayTarget(value: unknown): value is RelayTarget {
  if (typeof value !== 'object' || value === null) return false
  const { protocol, host, port } = value as Partial<Record<keyof RelayTarget, unknown>>
  const known = protocol === 'TCP' || protocol === 'UDP'
  return known && typeof host === 'string' && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536
}

/** A datagram with its length; at most 65,535 bytes, which is more than UDP can carry. */
export function frame(datagram: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(datagram.length)
  return Buffer.concat([length, datagram])
}

/** Takes whole datagrams out of a stream, whatever its chunks are. */
export function createUnframer(onDatagram: (datagram: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      onDatagram(rest.subarray(2, end))
      rest = rest.subarray(end)
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
