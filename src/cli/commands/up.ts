import { Command, InvalidArgumentError } from 'commander'

export type BoxFlags = { mode?: string; nodes: number; stateDir?: string; json?: boolean }

export function upCommand(): Command {
  return new Command('up')
    .description('start a box that stays: API server, controllers, DNS, nodes with their proxies')
    .option('--mode <mode>', 'proxy mode of its nodes: iptables, nftables, or auto: nftables where this kernel has it')
    .option('--nodes <n>', 'how many nodes', nodeCount, 2)
    .option('--state-dir <dir>', 'where its objects and credentials are kept')
    .option('--detach', 'return once the API and all nodes are ready')
    .option('-f, --filename <file...>', 'manifests to apply when it is up')
    .option('--json', 'print one JSON object when it is up')
    .action(async (options: BoxFlags & { detach?: boolean; filename?: string[] }) => {
      const { runUp } = await import('#app')
      await runUp({
        ...options,
        files: options.filename ?? [],
        detach: options.detach === true,
        json: options.json === true,
      })
    })
}

export function nodeCount(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 16) throw new InvalidArgumentError('1 to 16 nodes')
  return value
}
