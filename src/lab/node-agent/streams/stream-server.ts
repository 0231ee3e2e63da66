/** What comes as an upgrade to the node agent: which pod, which container, which of the streaming verbs. */
import type { Clock, Logger } from '#lib'
import { messageOf } from '#lib'

import type { Interactive } from '../container-runner.ts'
import type { PodWorker } from '../pod-worker.ts'
import { openSpdyStreams } from './remote-spdy.ts'
import type { OpenStreams, StreamOptions } from './remote-streams.ts'
import { openRemoteStreams } from './remote-streams.ts'
import { serveAttach } from './serve-attach.ts'
import { serveExec } from './serve-exec.ts'
import { servePortForward } from './serve-port-forward.ts'
import type { UpgradeRequest } from './websocket-server.ts'
import { refuseUpgrade } from './websocket-server.ts'

export type StreamServerOptions = {
  readonly find: (at: { readonly namespace: string; readonly pod: string }) => PodWorker | undefined
  readonly clock: Clock
  readonly logger: Logger
}

const VERBS = ['exec', 'attach', 'portForward']

export function streamServer(server: StreamServerOptions): (url: URL, upgrade: UpgradeRequest) => void {
  return (url, upgrade) => {
    serve(server, url, upgrade).catch((error: unknown) => {
      server.logger.warn('stream failed', { path: url.pathname, error: messageOf(error) })
      upgrade.socket.destroy()
    })
  }
}

async function serve(server: StreamServerOptions, url: URL, upgrade: UpgradeRequest): Promise<void> {
  const [verb, namespace = '', pod = '', container = '', ...rest] = url.pathname.split('/').slice(1).map(decode)
  const refuse = (code: number, text: string): void => refuseUpgrade(upgrade.socket, { code, text })
  if (rest.length > 0 || !VERBS.includes(verb ?? '')) return refuse(404, 'not found')
  const worker = server.find({ namespace, pod })
  if (worker === undefined) return refuse(404, `pod "${pod}" in namespace "${namespace}" does not run here`)
  if (verb === 'portForward') {
    const { sandboxPid: pid, addresses } = worker
    if (pid === undefined) return refuse(404, `pod "${pod}" is not running`)
    const problem = servePortForward(upgrade, { name: pod, pid, addresses })
    return problem === undefined ? undefined : refuse(400, problem)
  }
  const runner = worker.container(container)
  const place = runner?.place
  if (runner === undefined || place === undefined) return refuse(404, `container not found ("${container}")`)
  const options = streamOptions(url.searchParams)
  const isSpdy = /^spdy\//i.test(upgrade.request.headers.upgrade ?? '')
  const open: OpenStreams = (events) => {
    const remote = isSpdy ? openSpdyStreams(upgrade, events, options) : openRemoteStreams(upgrade, events)
    if (!('problem' in remote)) return remote
    refuse(400, remote.problem)
    return undefined
  }
  if (verb === 'exec') {
    const [file, ...args] = url.searchParams.getAll('command')
    if (file === undefined) return refuse(400, 'you must specify a command for the container')
    const term = options.tty ? { TERM: 'xterm' } : {}
    const env = { ...term, ...place.command.env }
    return serveExec({ podPid: place.podPid, command: { ...place.command, env, argv: [file, ...args] }, options, open })
  }
  const { io } = runner
  if (io === undefined) return refuse(404, `container not found ("${container}")`)
  const { stdinOnce } = runner.spec as Interactive
  return serveAttach({ io, options, closesInput: stdinOnce === true, open })
}

/** With a terminal there is no stream of errors (kubelet cri/streaming/remotecommand). */
function streamOptions(query: URLSearchParams): StreamOptions {
  const has = (name: string): boolean => query.get(name) === '1' || query.get(name) === 'true'
  const tty = has('tty')
  return { input: has('input'), output: has('output'), error: has('error') && !tty, tty }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // No name has such characters: it will not be found.
    return part
  }
}
