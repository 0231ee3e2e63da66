import { Command } from 'commander'

export function renderCommand(): Command {
  return new Command('render')
    .description('the rules that would be programmed for some manifests, as text; no kernel, no root')
    .requiredOption(
      '-f, --filename <file...>',
      'manifests with Services, EndpointSlices (or the Pods they follow from) and Nodes',
    )
    .requiredOption('--node <node>', 'the node to render for')
    .option('--mode <mode>', 'proxy mode: nftables or iptables', 'iptables')
    .option('--cluster-cidr <cidrs>', 'pod addresses of the cluster, comma-separated')
    .option('--json', 'one JSON object: the text for each IP family, and the problems found')
    .action(
      async (options: { filename: string[]; node: string; mode: string; clusterCidr?: string; json?: boolean }) => {
        const { runRender } = await import('#app')
        process.stdout.write(await runRender({ ...options, files: options.filename, json: options.json === true }))
      },
    )
}
