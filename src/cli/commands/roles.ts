/** One role each, against any API server: what the box's processes are, and what a cluster runs. */
import { Command } from 'commander'

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

type ProxyFlags = {
  kubeconfig?: string
  hostnameOverride?: string
  nodeName?: string
  proxyMode: string
  clusterCidr?: string
  masqueradeAll?: boolean
  nodeportAddresses?: string
  healthzBindAddress: string
}

function proxyCommand(): Command {
  return new Command('proxy')
    .description('the proxy of one node: Services into kernel rules')
    .option(...KUBECONFIG)
    .option('--hostname-override <name>', "this node's name, as its Node object has it; the host name if not given")
    .option('--node-name <name>', 'the same')
    .option('--proxy-mode <mode>', 'iptables', 'iptables')
    .option('--cluster-cidr <cidrs>', 'pod addresses of the cluster, one range a family, comma-separated')
    .option('--masquerade-all', 'masquerade everything that goes to a cluster IP')
    .option('--nodeport-addresses <cidrs>', 'node addresses that answer on node ports; all if not given')
    .option(
      '--healthz-bind-address <address>',
      'HOST:PORT of /healthz and /livez; empty turns it off',
      '127.0.0.1:10256',
    )
    .action(async (options: ProxyFlags) => {
      const { runProxyRole } = await import('#app')
      const nodeName = options.hostnameOverride ?? options.nodeName
      await runProxyRole({
        mode: options.proxyMode,
        masqueradeAll: options.masqueradeAll === true,
        nodePortAddresses: options.nodeportAddresses?.split(',') ?? [],
        ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(options.clusterCidr === undefined ? {} : { clusterCidr: options.clusterCidr }),
        ...(options.healthzBindAddress === '' ? {} : { healthzBindAddress: options.healthzBindAddress }),
      })
    })
}

type DnsFlags = {
  kubeconfig?: string
  zone: string
  reverseZones?: string
  listen: string[]
  port: string
  upstream: string[]
  healthAddress?: string
}

function dnsCommand(): Command {
  return new Command('dns')
    .description('cluster DNS')
    .option(...KUBECONFIG)
    .option('--zone <zone>', 'the cluster domain', 'cluster.local')
    .option('--reverse-zones <cidrs>', 'addresses whose reverse names it owns, comma-separated')
    .option('--listen <address...>', 'addresses to listen on; all if not given', [])
    .option('--port <port>', 'port to listen on, UDP and TCP', '53')
    .option(
      '--upstream <address...>',
      'resolvers for other names, ADDRESS or ADDRESS:PORT; none: other names are refused',
      [],
    )
    .option('--health-address <address>', 'HOST:PORT of /ready and /health')
    .action(async (options: DnsFlags) => {
      const { runDnsRole } = await import('#app')
      await runDnsRole({ ...options, port: Number(options.port), reverseCidrs: options.reverseZones?.split(',') ?? [] })
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
  return [init, node].map((command) => command.helpOption(false))
}
