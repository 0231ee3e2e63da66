import { Command } from 'commander'

export function shellCommand(): Command {
  return new Command('shell')
    .description('a shell on a node or in a pod of the box')
    .argument('<target>', 'node-1, control-plane, client, a pod, or namespace/pod')
    .argument('[command...]', 'run this instead of a shell, after --')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--state-dir <dir>', 'the box')
    .action(async (target: string, command: string[], options: { namespace: string; stateDir?: string }) => {
      const { shellInto } = await import('#app')
      process.exitCode = await shellInto({ ...options, target, command })
    })
}
