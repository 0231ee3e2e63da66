/**
 * One question as it goes to an upstream, and the test whether a packet is its reply.
 *
 * Each carries a fresh random ID; the question must come back whole (RFC 5452): a packet that fails either is not a
 * reply, whoever sent it, and the real one is still waited for.
 */
import type { Message, Question } from '../wire/index.ts'
import { encodeMessage, lowerName, parseMessage, RCODE } from '../wire/index.ts'

export type ForwardQuestion = {
  readonly question: Question
  readonly recursionDesired: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** Undefined: the client spoke no EDNS, and must not get an OPT record back. */
  readonly edns: { readonly dnssecOk: boolean } | undefined
}

/** What is safe from fragmentation (DNS flag day 2020). */
const UDP_SIZE = 1232

export function encodeUpstreamQuery(forward: ForwardQuestion, id: number): Buffer {
  const { edns, question } = forward
  return encodeMessage({
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: forward.recursionDesired,
    recursionAvailable: false,
    authenticData: forward.authenticData,
    checkingDisabled: forward.checkingDisabled,
    rcode: RCODE.NOERROR,
    questions: [question],
    answers: [],
    authority: [],
    additional: [],
    ...(edns === undefined ? {} : { edns: { udpSize: UDP_SIZE, version: 0, dnssecOk: edns.dnssecOk, options: [] } }),
  })
}

export function readReply(packet: Buffer, id: number, question: Question): Message | undefined {
  if (packet.length < 12 || packet.readUInt16BE(0) !== id) return undefined
  const parsed = parseMessage(packet)
  if (!parsed.ok || !parsed.message.response || parsed.message.opcode !== 0) return undefined
  const { message } = parsed
  const [echoed] = message.questions
  // Some servers leave the question out of a refusal; it carries no data that could be wrong.
  if (echoed === undefined) return message.rcode === RCODE.NOERROR ? undefined : message
  const same =
    message.questions.length === 1 &&
    echoed.type === question.type &&
    echoed.class === question.class &&
    lowerName(echoed.name) === lowerName(question.name)
  return same ? message : undefined
}
