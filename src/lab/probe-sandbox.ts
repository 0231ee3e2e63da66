/**
 * What this machine forbids or lacks, as data: the command line turns it into exit status 3 with the names. The trial is the
 * judge; the settings are only read to explain a failure.
 */
import { readSysctl, runCommand } from '#kernel'
import { messageOf } from '#lib'

import { sandboxArgv, withSystemPath } from './sandbox.ts'

export type MissingCapability = {
  /** Short and stable: `tool:ip`, `user-namespaces`. */
  readonly name: string
  readonly detail: string
  /** What an administrator can do about it. */
  readonly remedy: string
}

/** Program → the Debian package that has it. */
const TOOLS: Readonly<Record<string, string>> = {
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  ip: 'iproute2',
  sh: 'dash',
  env: 'coreutils',
  hostname: 'hostname',
}

const TRIAL = 'ip link set lo up && ip netns add probe && ip link add probe0 type veth peer name probe1 netns probe'

/** Empty: a box can be started here. Takes some tens of milliseconds. */
export async function probeSandbox(): Promise<readonly MissingCapability[]> {
  const tools = await missingTools()
  if (tools.length > 0) return tools
  const [file, ...args] = sandboxArgv({ command: ['sh', '-c', TRIAL] }, 'mark-probe')
  try {
    const { status, stderr } = await runCommand(file, args, { env: withSystemPath({ PATH: process.env['PATH'] }) })
    return status === 0 ? [] : [await explain(stderr.trim().split('\n', 1)[0] ?? `status ${status}`)]
  } catch (error) {
    return [await explain(messageOf(error))]
  }
}

async function missingTools(): Promise<readonly MissingCapability[]> {
  const script = 'for tool; do command -v "$tool" >/dev/null || echo "$tool"; done'
  const env = withSystemPath({ PATH: process.env['PATH'] })
  const { stdout } = await runCommand('/bin/sh', ['-c', script, 'sh', ...Object.keys(TOOLS)], { env })
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((tool) => ({
      name: `tool:${tool}`,
      detail: `the program ${tool} is not installed`,
      remedy: `install the package ${TOOLS[tool] ?? tool}`,
    }))
}

/** The first setting that forbids it is the likeliest cause. */
async function explain(failure: string): Promise<MissingCapability> {
  const forbidding = [
    { path: 'kernel/unprivileged_userns_clone', when: '0', set: 'sysctl kernel.unprivileged_userns_clone=1' },
    { path: 'user/max_user_namespaces', when: '0', set: 'sysctl user.max_user_namespaces=10000' },
    { path: 'user/max_net_namespaces', when: '0', set: 'sysctl user.max_net_namespaces=10000' },
    {
      path: 'kernel/apparmor_restrict_unprivileged_userns',
      when: '1',
      set: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns',
    },
  ]
  for (const { path, when, set } of forbidding) {
    if ((await readSysctl(path)) === when) {
      const setting = path.replaceAll('/', '.')
      return { name: 'user-namespaces', detail: `${setting} is ${when} (${failure})`, remedy: set }
    }
  }
  const remedy = 'allow unprivileged user namespaces; in a container, a seccomp profile that permits unshare and mount'
  return { name: 'user-namespaces', detail: failure, remedy }
}
