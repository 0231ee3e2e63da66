/** A resolver of another world, on loopback: UDP and TCP, scripted by name, counting what it is asked. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { Message, Question, ResourceRecord } from '../wire/index.ts'
import { addressBytes, encodeMessage, lowerName, nameFromText, nameToText, parseMessage } from '../wire/index.ts'
import { RCODE, TYPE, typeName } from '../wire/index.ts'
import { framed } from './dns-client.ts'

export type Scripted = {
  readonly rcode?: number
  /** Address records of the name asked for. */
  readonly addresses?: readonly string[]
  /** Say nothing. */
  readonly silent?: boolean
  /** TC over UDP. */
  readonly truncated?: boolean
  /** The question comes back in lower case. */
  readonly lowered?: boolean
  /** An answer nobody asked for, besides. */
  readonly stray?: boolean
  /** A packet with a wrong ID, then one with a wrong question, before the right one. */
  readonly spoofed?: boolean
}

export type FakeUpstream = {
  readonly address: string
  readonly port: number
  /** `name. TYPE udp`, in the order they came. */
  readonly asked: string[]
  close(): Promise<void>
}

/** Names not in the script do not exist. */
export function fakeUpstream(script: Readonly<Record<string, Scripted>>): Promise<FakeUpstream> {
  return answersOnce(() => true, script)
}

/** Says nothing while `speaks` is false. */
export async function answersOnce(
  speaks: () => boolean,
  script: Readonly<Record<string, Scripted>>,
): Promise<FakeUpstream> {
  const asked: string[] = []
  const answer = (packet: Buffer, transport: 'udp' | 'tcp'): Buffer[] => {
    const parsed = parseMessage(packet)
    const [question] = parsed.ok ? parsed.message.questions : []
    if (!parsed.ok || question === undefined) return []
    const name = nameToText(lowerName(question.name))
    asked.push(`${name} ${typeName(question.type)} ${transport}`)
    const scripted = script[`${name} ${typeName(question.type)}`] ?? script[name] ?? { rcode: RCODE.NXDOMAIN }
    if (scripted.silent === true || !speaks()) return []
    const reply = replyTo(parsed.message, question, scripted)
    if (scripted.truncated === true && transport === 'udp') {
      return [encodeMessage({ ...reply, truncated: true, answers: [] })]
    }
    const real = encodeMessage(reply)
    if (scripted.spoofed !== true) return [real]
    const wrongName = nameFromText('elsewhere.example.') ?? question.name
    return [
      encodeMessage({ ...reply, id: reply.id ^ 1, answers: [] }),
      encodeMessage({ ...reply, questions: [{ ...question, name: wrongName }], answers: [] }),
      real,
    ]
  }
  const udp = createSocket('udp4')
  udp.on('message', (packet, { port, address }) => {
    for (const reply of answer(packet, 'udp')) udp.send(reply, port, address)
  })
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const { port } = udp.address()
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      for (const reply of answer(bytes.subarray(2), 'tcp')) socket.write(framed(reply))
    })
  })
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    address: '127.0.0.1',
    port,
    asked,
    close: async () => {
      udp.close()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }
}

function replyTo(query: Message, question: Question, scripted: Scripted): Message {
  const addresses = scripted.addresses ?? []
  const answers = addresses.map((text): ResourceRecord => ({
    name: question.name,
    type: text.includes(':') ? TYPE.AAAA : TYPE.A,
    class: 1,
    ttl: 300,
    data: { kind: 'address', bytes: addressBytes(text) },
  }))
  const apex = nameFromText('example.com.') ?? question.name
  const soa: ResourceRecord = {
    name: apex,
    type: TYPE.SOA,
    class: 1,
    ttl: 60,
    data: { kind: 'soa', mname: apex, rname: apex, serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
  }
  const [answer] = answers
  if (scripted.stray === true && answer !== undefined) answers.push({ ...answer, name: apex })
  return {
    ...query,
    questions: [scripted.lowered === true ? { ...question, name: lowerName(question.name) } : question],
    response: true,
    recursionAvailable: true,
    rcode: scripted.rcode ?? RCODE.NOERROR,
    answers,
    authority: answers.length === 0 ? [soa] : [],
    additional: [],
  }
}
