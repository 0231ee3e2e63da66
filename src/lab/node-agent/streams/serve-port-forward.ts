/**
 * `kubectl port-forward`: for each connection the client opens two streams, one for data and one for errors, with the port in
 * their headers (kubelet cri/streaming/portforward). The port is looked for on the pod's loopback and on its addresses.
 */
import { connectPod } from './connect-pod.ts'
import type { PodPlace } from './connect-pod.ts'
import type { SpdyStream } from './spdy-connection.ts'
import { acceptSpdy } from './spdy-upgrade.ts'
import type { UpgradeRequest } from './websocket-server.ts'

type Pair = { data?: SpdyStream; error?: SpdyStream }

/** What is wrong with the upgrade; undefined: it is served. */
export function servePortForward(upgrade: UpgradeRequest, place: PodPlace): string | undefined {
  const pairs = new Map<string, Pair>()
  const paused = new Set<() => void>()
  const ends = new Set<() => void>()
  const onStream = (stream: SpdyStream): void => {
    const type = stream.headers.get('streamtype')
    const id = stream.headers.get('requestid') ?? ''
    const port = Number(stream.headers.get('port'))
    if ((type !== 'data' && type !== 'error') || !Number.isInteger(port) || port < 1 || port > 65_535) {
      stream.end()
      return
    }
    const pair = pairs.get(id) ?? {}
    pairs.set(id, pair)
    pair[type] = stream
    if (pair.data === undefined || pair.error === undefined) return
    pairs.delete(id)
    forward({ data: pair.data, error: pair.error }, port)
  }

  const forward = (pair: { readonly data: SpdyStream; readonly error: SpdyStream }, port: number): void => {
    const { data, error } = pair
    const early: Buffer[] = []
    let ended = false
    data.onData = (chunk) => void early.push(chunk)
    data.onEnd = () => void (ended = true)
    connectPod(place, port).then(
      (socket) => {
        const end = (): void => void socket.destroy()
        ends.add(end)
        const resume = (): void => void socket.resume()
        data.onData = (chunk) => {
          if (socket.destroyed || socket.writableEnded || socket.write(chunk)) return
          session.pause()
          socket.once('drain', session.resume)
          socket.once('close', session.resume)
        }
        data.onEnd = () => void socket.end()
        for (const chunk of early) data.onData(chunk)
        if (ended) socket.end()
        socket.on('data', (chunk: Buffer) => {
          if (data.write(chunk)) return
          socket.pause()
          paused.add(resume)
        })
        socket.on('end', () => data.end())
        socket.on('error', () => undefined)
        socket.once('close', () => {
          ends.delete(end)
          paused.delete(resume)
          data.end()
          error.end()
        })
      },
      (reason: Error) => {
        error.write(Buffer.from(`error forwarding port ${port} to pod ${place.name}: ${reason.message}`))
        error.end()
        data.end()
      },
    )
  }

  const accepted = acceptSpdy(upgrade, ['portforward.k8s.io'], {
    onStream,
    onDrain: () => {
      for (const resume of paused) resume()
      paused.clear()
    },
    onClose: () => {
      for (const end of ends) end()
    },
  })
  if ('problem' in accepted) return accepted.problem
  const session = accepted
  return undefined
}
