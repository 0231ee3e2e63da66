/**
 * A connection to a port of a pod. Most listen on all their addresses and are reached from the node; what listens on the
 * pod's loopback only is reached by a helper inside the pod's network namespace, since Node.js cannot change its own.
 */
import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'

import { inNetns, netnsOfProcess } from '#kernel'

export type PodPlace = {
  readonly name: string
  /** Some process in the pod's namespaces. */
  readonly pid: number
  readonly addresses: readonly string[]
}

const CONNECT_MILLISECONDS = 5_000

export async function connectPod(place: PodPlace, port: number): Promise<Duplex> {
  for (const host of place.addresses) {
    const socket = await dial(host, port)
    if (socket !== undefined) return socket
  }
  return dialLoopback(place, port)
}

function dial(host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true, timeout: CONNECT_MILLISECONDS })
    const give = (): void => {
      socket.destroy()
      resolve(undefined)
    }
    socket.once('error', give)
    socket.once('timeout', give)
    socket.once('connect', () => {
      socket.off('error', give)
      socket.off('timeout', give)
      socket.setTimeout(0)
      resolve(socket)
    })
  })
}

/** Standard input and output of the helper are the connection; its first byte says that there is one. */
function dialLoopback({ pid }: PodPlace, port: number): Promise<Duplex> {
  // The same file name extension as this file: .ts from a checkout, .js from the package.
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  const helper = fileURLToPath(new URL(`dial-loopback.worker${extension}`, import.meta.url))
  const flags = ['--disable-warning=ExperimentalWarning']
  const [file, ...args] = inNetns(netnsOfProcess(pid), [process.execPath, ...flags, helper, String(port)])
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: {} })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString().slice(0, 500)))
    child.on('error', reject)
    child.once('close', () => reject(new Error(text.trim() === '' ? 'connection refused' : text.trim())))
    child.stdout.once('readable', () => {
      const first = child.stdout.read(1) as Buffer | null
      if (first === null) return
      const duplex = Duplex.from({ readable: child.stdout, writable: child.stdin })
      child.stdin.on('error', () => duplex.destroy())
      duplex.once('close', () => child.kill('SIGKILL'))
      resolve(duplex)
    })
  })
}
