/** Flows through the `conntrack` tool: one process a listing, one a deletion. */
import { canonicalAddress, SignalboxError } from '#lib'
import type { ConntrackDoor, Direction, Flow, OpenConntrackOptions } from './flow.ts'

export function openConntrackTool({ family, runCommand }: OpenConntrackOptions): ConntrackDoor {
  const common = ['-f', family === 'IPv4' ? 'ipv4' : 'ipv6', '-p', 'udp']
  return {
    family,
    via: 'conntrack',
    udpFlows: async () => {
      const { status, stdout, stderr } = await runCommand('conntrack', ['-L', ...common])
      if (status !== 0) throw failed(stderr)
      const flows = stdout
        .split('\n')
        .map(parseFlow)
        .filter((flow) => flow !== undefined)
      return { flows, complete: true }
    },
    remove: async (flows) => {
      let removed = 0
      let failures = 0
      for (const { original, reply } of flows) {
        const { source, destination } = original
        const tuple: readonly (readonly [string, string | number])[] = [
          ['--orig-src', source.address],
          ['--orig-dst', destination.address],
          ['--sport', source.port],
          ['--dport', destination.port],
          ['--reply-src', reply.source.address],
        ]
        const { status, stderr } = await runCommand('conntrack', ['-D', ...common, ...tuple.flat().map(String)])
        if (status === 0) removed += 1
        // The tool's status is 1 as well when there was nothing to delete.
        else if (!/\b0 flow entries\b/.test(stderr)) failures += 1
      }
      return { removed, failed: failures }
    },
    close: () => undefined,
  }
}

/** `udp 17 29 src=A dst=B sport=1 dport=2 [UNREPLIED] src=B dst=A sport=2 dport=1 mark=0 use=1` */
export function parseFlow(line: string): Flow | undefined {
  if (!line.startsWith('udp')) return undefined
  const found = [...line.matchAll(/\bsrc=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)].map((match): Direction => {
    const [, source = '', destination = '', sourcePort, destinationPort] = match
    return {
      source: { address: canonicalAddress(source) ?? source, port: Number(sourcePort) },
      destination: { address: canonicalAddress(destination) ?? destination, port: Number(destinationPort) },
    }
  })
  const [original, reply] = found
  return original === undefined || reply === undefined ? undefined : { original, reply }
}

function failed(stderr: string): SignalboxError {
  return new SignalboxError('SBX_CONNTRACK_FAILED', `conntrack: ${stderr.trim().split('\n', 1)[0] ?? ''}`)
}
