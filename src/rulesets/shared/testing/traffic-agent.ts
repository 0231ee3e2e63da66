/**
 * A host of the packet lab: listens on its addresses, tells every client how it sees it, and sends probes on request.
 *
 *   node traffic-agent.ts NAME ADDRESS…     one JSON `Probe` a line in, one `Sighting` a line out, after `ready`
 */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

export type Probe = {
  readonly id: number
  readonly protocol: 'TCP' | 'UDP'
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  /** Milliseconds after which no answer is silence. */
  readonly patience: number
}

export type Sighting =
  | { readonly kind: 'answered'; readonly by: string; readonly source: string; readonly sourcePort: number }
  | { readonly kind: 'refused' | 'silent' }

export type Report = { readonly id: number; readonly sighting: Sighting }

export const LISTENING = [80, 8080]

function answerOf(by: string, source: string, sourcePort: number): string {
  const sighting: Sighting = { kind: 'answered', by, source, sourcePort }
  return JSON.stringify(sighting)
}

async function listen(name: string, address: string, port: number): Promise<void> {
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.end(answerOf(name, socket.remoteAddress ?? '', socket.remotePort ?? 0))
  })
  await new Promise<void>((resolve) => tcp.listen({ host: address, port, backlog: 512 }, resolve))
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (_, from) => udp.send(answerOf(name, from.address, from.port), from.port, from.address))
  // An ICMP error for an answer is not this host's business.
  udp.on('error', () => undefined)
  await new Promise<void>((resolve) => udp.bind(port, address, resolve))
}

function probeTcp(probe: Probe): Promise<Sighting> {
  return new Promise((resolve) => {
    const socket = connect({
      host: probe.destination,
      port: probe.destinationPort,
      localAddress: probe.source,
      localPort: probe.sourcePort,
    })
    let text = ''
    const finish = (sighting: Sighting): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(sighting)
    }
    const timer = setTimeout(() => finish({ kind: 'silent' }), probe.patience)
    socket.on('data', (data) => (text += data.toString('utf8')))
    socket.on('end', () => finish(JSON.parse(text) as Sighting))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(sightingOf(error)))
  })
}

function probeUdp(probe: Probe): Promise<Sighting> {
  return new Promise((resolve) => {
    const socket = createSocket(probe.destination.includes(':') ? 'udp6' : 'udp4')
    const finish = (sighting: Sighting): void => {
      clearTimeout(timer)
      socket.close()
      resolve(sighting)
    }
    const timer = setTimeout(() => finish({ kind: 'silent' }), probe.patience)
    socket.on('message', (data) => finish(JSON.parse(data.toString('utf8')) as Sighting))
    socket.on('error', (error: NodeJS.ErrnoException) => finish(sightingOf(error)))
    socket.bind(probe.sourcePort, probe.source, () => {
      socket.connect(probe.destinationPort, probe.destination, () => {
        socket.send('probe', (error) => {
          // Dropped in OUTPUT is EPERM at once. So is REJECT there, but that is followed by the ICMP error.
          if (error !== null && (error as NodeJS.ErrnoException).code !== 'EPERM') finish(sightingOf(error))
        })
      })
    })
  })
}

function sightingOf(error: NodeJS.ErrnoException): Sighting {
  if (error.code === 'ECONNREFUSED') return { kind: 'refused' }
  throw error
}

async function main([name = '', ...addresses]: readonly string[]): Promise<void> {
  await Promise.all(addresses.flatMap((address) => LISTENING.map((port) => listen(name, address, port))))
  process.stdout.write('ready\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const probe = JSON.parse(line) as Probe
    void (probe.protocol === 'TCP' ? probeTcp(probe) : probeUdp(probe)).then((sighting) => {
      const report: Report = { id: probe.id, sighting }
      process.stdout.write(`${JSON.stringify(report)}\n`)
    })
  }
  process.exit(0)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2))
