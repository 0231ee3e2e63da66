import { Command } from 'commander'

export function execCommand(): Command {
  return new Command('exec')
    .description('run a command inside a pod of the box')
    .argument('<pod>', 'pod name, or namespace/name')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('-c, --container <container>', 'whose environment to use; the first container if not given')
    .option('--state-dir <dir>', 'the box')
    .action(
      async (pod: string, command: string[], options: { namespace: string; container?: string; stateDir?: string }) => {
        const { execInPod } = await import('#app')
        process.exitCode = await execInPod({ ...options, pod, command })
      },
    )
}
