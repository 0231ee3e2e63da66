/** `signalbox dns`: cluster DNS from flags, from a Corefile, or as the cache of one node. */
import { Command } from 'commander'

type DnsFlags = {
  kubeconfig?: string
  corefile?: string
  zone: string
  pods: string
  reverseZones?: string
  listen: string[]
  port: string
  upstream: string[]
  policy: string
  stubDomain: string[]
  cache: string
  rateLimit: string
  reusePort?: boolean
  healthAddress?: string
  metricsAddress?: string
  nodeCache?: boolean
  localIp: string[]
  clusterDns: string[]
  bypass: string
}

export function dnsCommand(): Command {
  return new Command('dns')
    .description('cluster DNS')
    .option('--kubeconfig <file>', 'how to reach the API server; the service account of this pod if not given')
    .option(
      '--corefile <file>',
      'take everything but --kubeconfig and --listen from a Corefile; $CONF, or /etc/coredns/Corefile if it is there',
    )
    .option('--zone <zone>', 'the cluster domain', 'cluster.local')
    .option('--pods <mode>', 'names of pod addresses: disabled, insecure or verified', 'insecure')
    .option('--reverse-zones <cidrs>', 'addresses whose reverse names it owns, comma-separated')
    .option('--listen <address...>', 'addresses to listen on; all if not given', [])
    .option('--port <port>', 'port to listen on, UDP and TCP', '53')
    .option(
      '--upstream <address...>',
      'resolvers for other names: ADDRESS, ADDRESS:PORT or tls://ADDRESS#NAME; none: other names are refused',
      [],
    )
    .option('--policy <policy>', 'which of them first: sequential, random, round_robin or parallel', 'sequential')
    .option('--stub-domain <domain=addresses...>', 'resolvers of one domain, comma-separated', [])
    .option('--cache <seconds>', 'longest time upstreams are remembered; 0: not at all', '30')
    .option('--rate-limit <n>', 'alike UDP replies a second to one network; 0: unlimited', '0')
    .option('--reuse-port', 'share the port with other processes that have this option')
    .option('--health-address <address>', 'HOST:PORT of /ready and /health')
    .option('--metrics-address <address>', 'HOST:PORT of /metrics')
    .option('--node-cache', 'the cache of one node in front of cluster DNS, in the manner of NodeLocal DNSCache')
    .option('--local-ip <address...>', 'node cache: addresses to take over on this node', ['169.254.20.10'])
    .option('--cluster-dns <address...>', 'node cache: cluster DNS behind it, asked over TCP', [])
    .option(
      '--bypass <mode>',
      'node cache: keep its packets from connection tracking by iptables, nftables or none',
      'iptables',
    )
    .action(async (flags: DnsFlags) => {
      const { runDnsRole, runNodeCacheRole } = await import('#app')
      const common = {
        zone: flags.zone,
        port: Number(flags.port),
        upstream: flags.upstream,
        policy: flags.policy,
        ...(flags.healthAddress === undefined ? {} : { healthAddress: flags.healthAddress }),
        ...(flags.metricsAddress === undefined ? {} : { metricsAddress: flags.metricsAddress }),
      }
      if (flags.nodeCache === true) {
        await runNodeCacheRole({
          ...common,
          localAddresses: flags.localIp,
          clusterDns: flags.clusterDns,
          bypass: flags.bypass,
        })
        return
      }
      await runDnsRole({
        ...common,
        ...(flags.kubeconfig === undefined ? {} : { kubeconfig: flags.kubeconfig }),
        ...(flags.corefile === undefined ? {} : { corefile: flags.corefile }),
        pods: flags.pods,
        listen: flags.listen,
        reverseCidrs: flags.reverseZones?.split(',') ?? [],
        stubDomains: flags.stubDomain,
        cacheSeconds: Number(flags.cache),
        rateLimit: Number(flags.rateLimit),
        reusePort: flags.reusePort === true,
      })
    })
}
