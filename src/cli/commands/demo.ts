import { Command } from 'commander'

import { EXIT } from '../exit-codes.ts'

export function demoCommand(): Command {
  return new Command('demo')
    .description('a Service at work in one go: box up, Service applied, 300 requests, the rules, the reason; then down')
    .option('--mode <mode>', 'proxy mode: iptables, nftables, or auto: nftables where this kernel has it')
    .option('--json', 'print one JSON object and nothing else')
    .option('--keep', 'leave the box up')
    .option('--state-dir <dir>', 'with --keep: where the box keeps its objects and credentials')
    .action(async (options: { mode?: string; json?: boolean; keep?: boolean; stateDir?: string }) => {
      const { runDemo } = await import('#app')
      const passed = await runDemo({ ...options, json: options.json === true, keep: options.keep === true })
      if (!passed) process.exitCode = EXIT.no
    })
}
