/** A client that shows everything: the reply as bytes and as a message. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Message } from '../wire/index.ts'
import { CLASS, encodeMessage, nameFromText, parseMessage, typeFromName } from '../wire/index.ts'

export type Reply = { readonly packet: Buffer; readonly message: Message }

export type AskOptions = {
  readonly udpSize?: number
  readonly ednsVersion?: number
  readonly dnssecOk?: boolean
  readonly class?: number
  readonly id?: number
  readonly recursionDesired?: boolean
}

export type Server = { readonly address: string; readonly port: number }

export function queryPacket(name: string, type: string, options: AskOptions = {}): Buffer {
  const { udpSize, ednsVersion = 0, dnssecOk = false } = options
  const qname = nameFromText(name)
  const qtype = typeFromName(type)
  if (qname === undefined || qtype === undefined) throw new Error(`not a question: ${name} ${type}`)
  return encodeMessage({
    id: options.id ?? 4711,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: options.recursionDesired ?? true,
    recursionAvailable: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: 0,
    questions: [{ name: qname, type: qtype, class: options.class ?? CLASS.IN }],
    answers: [],
    authority: [],
    additional: [],
    ...(udpSize === undefined ? {} : { edns: { udpSize, version: ednsVersion, dnssecOk, options: [] } }),
  })
}

export function replyOf(packet: Buffer): Reply {
  const parsed = parseMessage(packet)
  if (!parsed.ok) throw new Error(`reply is no message: ${parsed.problem}`)
  return { packet, message: parsed.message }
}

/** The first packet that comes back. */
export async function sendUdp(server: Server, packet: Buffer): Promise<Buffer> {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      socket.on('message', resolve)
      socket.on('error', reject)
      socket.send(packet, server.port, server.address)
    })
  } finally {
    socket.close()
  }
}

export async function askUdp(
  server: Server,
  question: readonly [string, string],
  options?: AskOptions,
): Promise<Reply> {
  return replyOf(await sendUdp(server, queryPacket(question[0], question[1], options)))
}

export function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(packet.length)
  return Buffer.concat([length, packet])
}

/** Writes the bytes as they are; resolves with `count` replies in the order they came, or fewer if the server closes. */
export async function sendTcp(server: Server, bytes: Buffer, count: number): Promise<Buffer[]> {
  const socket = connect(server.port, server.address)
  try {
    return await new Promise<Buffer[]>((resolve, reject) => {
      let buffered = Buffer.alloc(0)
      const replies: Buffer[] = []
      socket.on('error', reject)
      socket.on('close', () => resolve(replies))
      socket.on('data', (chunk) => {
        buffered = Buffer.concat([buffered, chunk])
        while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
          const end = 2 + buffered.readUInt16BE(0)
          replies.push(buffered.subarray(2, end))
          buffered = buffered.subarray(end)
        }
        if (replies.length >= count) resolve(replies)
      })
      socket.write(bytes)
    })
  } finally {
    socket.destroy()
  }
}

export async function askTcp(
  server: Server,
  question: readonly [string, string],
  options?: AskOptions,
): Promise<Reply> {
  const [packet] = await sendTcp(server, framed(queryPacket(question[0], question[1], options)), 1)
  if (packet === undefined) throw new Error('the server closed the connection')
  return replyOf(packet)
}
