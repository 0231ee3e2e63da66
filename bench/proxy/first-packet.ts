/**
 * What rules cost the first packet of a connection: a client and all endpoints of the cluster in namespaces of their own,
 * this namespace the node that routes between them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { configureNetns, inNetns, mustRun, netnsPath } from '#kernel'

import { quantile } from '../measurement.ts'

export type FirstPacket = { readonly p50: number; readonly p99: number }

export type PacketLab = {
  /** Microseconds a `connect` takes, by target. */
  dial(times: number, targets: readonly string[]): Promise<readonly FirstPacket[]>
  stop(): void
}

/** A pod address that is an endpoint or not, and answers either way. */
export const POD = '10.244.0.5:8080'

const file = (name: string): string => new URL(name, import.meta.url).pathname

export async function startPacketLab(): Promise<PacketLab> {
  await configureNetns({
    sysctls: [{ path: 'net/ipv4/ip_forward', value: '1' }],
    lines: [
      'netns add client',
      'netns add pods',
      'link add v-client type veth peer name eth0 netns client',
      'link add v-pods type veth peer name eth0 netns pods',
      'addr add 10.0.1.1/24 dev v-client',
      'addr add 10.0.2.1/24 dev v-pods',
      'link set v-client up',
      'link set v-pods up',
      'route add 10.244.0.0/16 via 10.0.2.2',
      'route add 10.244.250.2/32 dev v-client',
      // Never taken: a cluster IP only needs a route to be rewritten before it is used.
      'route add default via 10.0.2.2',
    ],
  })
  await configureNetns({
    netns: netnsPath('client'),
    lines: [
      'link set lo up',
      'addr add 10.244.250.2/32 dev eth0',
      'link set eth0 up',
      'route add default via 10.0.1.1 dev eth0 onlink',
    ],
  })
  await configureNetns({
    netns: netnsPath('pods'),
    lines: [
      'link set lo up',
      'addr add 10.0.2.2/24 dev eth0',
      'link set eth0 up',
      'route add default via 10.0.2.1',
      'route add 10.244.250.2/32 via 10.0.2.1',
      // Every pod address of the cluster but the client's is here.
      'route add local 10.244.0.0/16 dev lo',
    ],
  })
  const [command, ...args] = inNetns(netnsPath('pods'), [process.execPath, file('accept-server.ts'), '8080'])
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout, 'data')
  return {
    dial: async (times, targets) => {
      const argv = [process.execPath, file('connect-client.ts'), String(times), ...targets] as const
      const [program, ...rest] = inNetns(netnsPath('client'), argv)
      const lists = JSON.parse(await mustRun(program, rest, { timeout: 300_000 })) as number[][]
      return lists.map((sorted) => ({ p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) }))
    },
    stop: () => void server.kill('SIGKILL'),
  }
}
