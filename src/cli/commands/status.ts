import { Command } from 'commander'

import { EXIT } from '../exit-codes.ts'

export function statusCommand(): Command {
  return new Command('status')
    .description('what is running: nodes, mode, kubeconfig, relays; exit status 1 if the box is not healthy')
    .option('--state-dir <dir>', 'the box to look at')
    .option('--json', 'one JSON object')
    .action(async (options: { stateDir?: string; json?: boolean }) => {
      const { boxStatus, formatBoxStatus } = await import('#app')
      const status = await boxStatus(options.stateDir)
      process.stdout.write(options.json === true ? `${JSON.stringify(status)}\n` : await formatBoxStatus(status))
      if (!status.healthy) process.exitCode = EXIT.no
    })
}
