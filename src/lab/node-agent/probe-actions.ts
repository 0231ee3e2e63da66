/** One try of a probe, from the node's network: what kubelet's pkg/probe does. The answer is data, never thrown. */
import { request } from 'node:http'
import { connect } from 'node:net'

import type { Container, HttpGetAction, Probe } from '#api'
import type { Clock } from '#lib'

import type { ExecResult } from './container-process.ts'

export type ProbeResult = { readonly success: boolean; readonly message: string }

export type ProbeTarget = {
  readonly container: Container
  /** The pod's first address: where http and tcp probes go unless they name a host. */
  readonly address: string
  readonly exec: (command: readonly string[], milliseconds: number) => Promise<ExecResult>
  readonly clock: Clock
}

const BODY_LIMIT = 10_240

export async function tryProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const milliseconds = (probe.timeoutSeconds ?? 1) * 1000
  if (probe.exec !== undefined) return tryExec(probe.exec.command ?? [], milliseconds, target)
  if (probe.httpGet !== undefined) return tryHttp(probe.httpGet, milliseconds, target)
  if (probe.tcpSocket !== undefined) {
    const port = portNumber(probe.tcpSocket.port, target.container)
    if (port === undefined) return failure(`unknown port ${probe.tcpSocket.port}`)
    return tryTcp({ host: probe.tcpSocket.host ?? target.address, port }, milliseconds, target.clock)
  }
  return failure('the probe has no action this node knows')
}

/** A number, a number in text, or the name of one of the container's ports. */
export function portNumber(port: number | string, container: Container): number | undefined {
  const named = (container.ports ?? []).find((candidate) => candidate.name === port)
  const value = named?.containerPort ?? Number(port)
  return Number.isInteger(value) && value > 0 && value < 65_536 ? value : undefined
}

async function tryExec(command: readonly string[], milliseconds: number, target: ProbeTarget): Promise<ProbeResult> {
  if (command.length === 0) return failure('the exec probe has no command')
  const { exitCode, timedOut, output } = await target.exec(command, milliseconds)
  if (timedOut) return failure(`command timed out after ${milliseconds / 1000}s`)
  return { success: exitCode === 0, message: exitCode === 0 ? '' : `exit status ${exitCode}: ${output.trim()}` }
}

function tryTcp(
  to: { readonly host: string; readonly port: number },
  milliseconds: number,
  clock: Clock,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect(to)
    const end = (result: ProbeResult): void => {
      cancel()
      socket.destroy()
      resolve(result)
    }
    const cancel = clock.after(milliseconds, () => end(failure(`dial tcp ${to.host}:${to.port}: i/o timeout`)))
    socket.once('connect', () => end({ success: true, message: '' }))
    socket.once('error', (error) => end(failure(error.message)))
  })
}

/** 200 to 399 is success; redirects are not followed, they count as the answer. */
function tryHttp(action: HttpGetAction, milliseconds: number, target: ProbeTarget): Promise<ProbeResult> {
  const port = portNumber(action.port, target.container)
  if (port === undefined) return Promise.resolve(failure(`unknown port ${action.port}`))
  if ((action.scheme ?? 'HTTP').toUpperCase() !== 'HTTP') {
    return Promise.resolve(failure(`scheme ${action.scheme} is not supported for probes here`))
  }
  const host = action.host === undefined || action.host === '' ? target.address : action.host
  const path = action.path === undefined || action.path === '' ? '/' : action.path
  const given = (action.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value] as const)
  const headers = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close', ...Object.fromEntries(given) }
  return new Promise((resolve) => {
    const end = (result: ProbeResult): void => {
      cancel()
      asked.destroy()
      resolve(result)
    }
    const cancel = target.clock.after(milliseconds, () => end(failure('request timed out')))
    const asked = request({ host, port, path: path.startsWith('/') ? path : `/${path}`, headers, agent: false })
    asked.once('error', (error) => end(failure(error.message)))
    asked.once('response', (response) => {
      const status = response.statusCode ?? 0
      const success = status >= 200 && status < 400
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > BODY_LIMIT) end(result)
      })
      const result = success ? { success, message: '' } : failure(`HTTP probe failed with statuscode: ${status}`)
      response.once('end', () => end(result))
      response.once('error', (error) => end(failure(error.message)))
    })
    asked.end()
  })
}

function failure(message: string): ProbeResult {
  return { success: false, message }
}
