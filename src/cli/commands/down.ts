import { Command } from 'commander'

export function downCommand(): Command {
  return new Command('down')
    .description('end a running box; its objects stay in the state folder')
    .option('--state-dir <dir>', 'the box to end')
    .option('--json', 'one JSON object')
    .action(async (options: { stateDir?: string; json?: boolean }) => {
      const { stopBox } = await import('#app')
      const { stopped, stateDir } = await stopBox(options.stateDir)
      const text = stopped ? `the box in ${stateDir} is down` : `no box is running in ${stateDir}`
      process.stdout.write(options.json === true ? `${JSON.stringify({ stopped, stateDir })}\n` : `${text}\n`)
    })
}
