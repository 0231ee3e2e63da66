/** A script in namespaces of its own: nothing it does reaches the host, and with its first process everything it started ends. */
import { spawn } from 'node:child_process'

const UNSHARE = ['--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const PREPARE = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && exec "$@"'
const FLAGS = ['--conditions=source', '--disable-warning=ExperimentalWarning']

/** What it prints as JSON; what it says on stderr goes to ours. @throws if it fails, or has not ended in so many milliseconds */
export async function runInSandbox(script: string, args: readonly string[], limit?: number): Promise<unknown> {
  const argv = [...UNSHARE, 'sh', '-c', PREPARE, 'sh', process.execPath, ...FLAGS, script, ...args]
  const child = spawn('unshare', argv, {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(limit === undefined ? {} : { timeout: limit, killSignal: 'SIGKILL' }),
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const status = await new Promise((resolve) => child.once('close', resolve))
  if (status !== 0) throw new Error(`${script} ${args.join(' ')}: exit status ${String(status)}`)
  return JSON.parse(text) as unknown
}
