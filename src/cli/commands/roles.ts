/** One role each, against any API server: what the box's processes are, and what a cluster runs. */
import { Command } from 'commander'

import { dnsCommand } from './dns.ts'
import { proxyCommand } from './proxy.ts'

export function roleCommands(): Command[] {
  return [apiServerCommand(), controllersCommand(), proxyCommand(), dnsCommand(), ...boxInternalCommands()]
}

const KUBECONFIG = [
  '--kubeconfig <file>',
  'how to reach the API server; the service account of this pod if not given',
] as const

function apiServerCommand(): Command {
  return new Command('apiserver')
    .description('the embedded Kubernetes API server')
    .requiredOption('--state-dir <dir>', 'where objects and certificates are kept')
    .option('--bind-address <address>', 'address to listen on', '127.0.0.1')
    .option('--secure-port <port>', 'port to listen on', '6443')
    .option('--advertise-address <addresses>', 'where clients inside the cluster reach it, comma-separated')
    .option('--service-cluster-ip-range <cidrs>', 'cluster IPs, one range a family, comma-separated', '10.96.0.0/16')
    .option('--service-node-port-range <range>', 'node ports, FIRST-LAST', '30000-32767')
    .requiredOption('--token-auth-file <file>', 'who may ask: JSON or CSV, mode 0600')
    .option('--kubelet-token-file <file>', 'token shown to nodes when fetching logs')
    .option('--audit-log-path <file>', 'records every request there, one line of JSON each')
    .action(async (options: Record<string, string>) => {
      const { runApiServerRole } = await import('#app')
      await runApiServerRole({
        stateDir: options['stateDir'] ?? '',
        bindAddress: options['bindAddress'] ?? '',
        securePort: Number(options['securePort']),
        advertiseAddresses: (options['advertiseAddress'] ?? options['bindAddress'] ?? '').split(','),
        serviceCidrs: (options['serviceClusterIpRange'] ?? '').split(','),
        nodePortRange: options['serviceNodePortRange'] ?? '',
        tokenFile: options['tokenAuthFile'] ?? '',
        ...(options['kubeletTokenFile'] === undefined ? {} : { kubeletTokenFile: options['kubeletTokenFile'] }),
        ...(options['auditLogPath'] === undefined ? {} : { auditLogPath: options['auditLogPath'] }),
      })
    })
}

function controllersCommand(): Command {
  return new Command('controllers')
    .description('EndpointSlice, Endpoints, Namespace, ServiceAccount and the other controllers')
    .option(...KUBECONFIG)
    .action(async (options: { kubeconfig?: string }) => {
      const { runControllersRole } = await import('#app')
      await runControllersRole(options)
    })
}

/** What the box starts of itself; no use to anybody else. */
function boxInternalCommands(): Command[] {
  const init = new Command('box-init').action(async () => {
    const { runBoxInit } = await import('#app')
    await runBoxInit()
  })
  const node = new Command('lab-node')
    .requiredOption('--kubeconfig <file>')
    .requiredOption('--node <name>')
    .requiredOption('--nodes <n>')
    .requiredOption('--kubelet-token-file <file>')
    .requiredOption('--dns-token-file <file>')
    .action(async (options: Record<string, string>) => {
      const { runLabNodeRole } = await import('#app')
      await runLabNodeRole({
        kubeconfig: options['kubeconfig'] ?? '',
        node: options['node'] ?? '',
        nodes: Number(options['nodes']),
        kubeletTokenFile: options['kubeletTokenFile'] ?? '',
        dnsTokenFile: options['dnsTokenFile'] ?? '',
      })
    })
  const tables = new Command('print-tables')
    .requiredOption('--family <family>')
    .action(async ({ family }: { family: string }) => {
      const { printLiveTables } = await import('#app')
      process.stdout.write(await printLiveTables(family === 'IPv6' ? 'IPv6' : 'IPv4'))
    })
  return [init, node, tables].map((command) => command.helpOption(false))
}
