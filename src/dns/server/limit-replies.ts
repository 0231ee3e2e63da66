import type { Client } from '../resolve.ts'
import { FLAG, HEADER_BYTES, RCODE, skipName } from '../wire/index.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { Reply, Responder } from './responder.ts'

/** Replies over UDP, as far as the limiter lets them. */
export function limitReplies(judge: Responder, limiter: RateLimiter): Responder {
  const pass = (reply: Reply, packet: Buffer, from: Client): Reply => {
    if (!(reply instanceof Buffer)) return reply
    const verdict = limiter.judge(from.address, alikeOf(reply))
    if (verdict === 'send') return reply
    return verdict === 'drop' ? undefined : emptyTruncated(reply, packet)
  }
  return (packet, from) => {
    const reply = judge(packet, from)
    if (from.transport === 'tcp') return reply
    return reply instanceof Promise ? reply.then((later) => pass(later, packet, from)) : pass(reply, packet, from)
  }
}

/** Positive replies are alike by name; denials and errors by rcode alone, as their names are a forger's to vary. */
function alikeOf(reply: Buffer): string {
  const rcode = (reply[3] as number) & 15
  if (rcode !== RCODE.NOERROR) return String(rcode)
  const end = questionEnd(reply)
  return end === undefined ? '' : reply.toString('latin1', HEADER_BYTES, end).toLowerCase()
}

/** Behind the one question of a reply. */
function questionEnd(reply: Buffer): number | undefined {
  if (reply.readUInt16BE(4) !== 1) return undefined
  const end = skipName(reply, HEADER_BYTES)
  return end === undefined || end + 4 > reply.length ? undefined : end + 4
}

function emptyTruncated(reply: Buffer, packet: Buffer): Buffer {
  const end = questionEnd(reply) ?? HEADER_BYTES
  const short = Buffer.from(end === HEADER_BYTES ? packet.subarray(0, HEADER_BYTES) : reply.subarray(0, end))
  short.writeUInt16BE(reply.readUInt16BE(2) | FLAG.TC, 2)
  short.writeUInt16BE(end === HEADER_BYTES ? 0 : 1, 4)
  short.fill(0, 6, HEADER_BYTES)
  return short
}
