import { Command } from 'commander'

import { EXIT, usage } from '../exit-codes.ts'

export type ExplainFlags = {
  to?: string
  name?: string
  clusterDomain: string
  from?: string
  node?: string
  rules?: string
  filename?: string[]
  namespace: string
  port?: string
  family?: string
  kubeconfig?: string
  stateDir?: string
  json?: boolean
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('the exact path of a packet to a Service, rule by rule, and why; exit status 1 if it does not arrive')
    .argument('[service]', 'a Service, NAME or NAMESPACE/NAME')
    .option('--to <destination>', 'instead of a Service: IP:PORT/PROTOCOL, as 10.96.0.1:443/TCP')
    .option('--name <name>', "instead of a packet: what a pod's resolver tries for this name, each answer, and why")
    .option('--cluster-domain <zone>', 'with --name: the cluster domain', 'cluster.local')
    .option('--port <port>', 'which port of the Service: its name or number; the first if not given')
    .option('--from <source>', 'a pod, an IP address, "node" or "outside"; a pod of the node if not given')
    .option('--node <node>', "whose rules; the source pod's node, else the first, if not given")
    .option(
      '--rules <dump>',
      'read the rules from a file that iptables-save or nft list ruleset printed, or a folder with such files, instead of the kernel',
    )
    .option('-f, --filename <file...>', 'read the objects from manifests instead of the API')
    .option('-n, --namespace <namespace>', 'namespace of the Service and the pod', 'default')
    .option('--family <family>', 'IPv4 or IPv6')
    .option('--kubeconfig <file>', 'ask this API server instead of the box')
    .option('--state-dir <dir>', 'the box')
    .option('--json', 'one JSON object')
    .action(async (service: string | undefined, options: ExplainFlags) => {
      if ([service, options.to, options.name].filter((given) => given !== undefined).length !== 1) {
        throw usage('name a Service or give --to or --name, one of the three')
      }
      const { runExplain, runExplainName } = await import('#app')
      const { name, clusterDomain, ...rest } = options
      const { text, arrives } =
        name === undefined
          ? await runExplain({ ...rest, ...(service === undefined ? {} : { service }) })
          : await runExplainName({ ...rest, name, zone: clusterDomain })
      process.stdout.write(text)
      if (!arrives) process.exitCode = EXIT.no
    })
}
