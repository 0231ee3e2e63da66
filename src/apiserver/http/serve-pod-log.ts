/**
 * `pods/log`: the node's own daemon holds the log; this asks it in the kubelet's way (`/containerLogs/NS/POD/CONTAINER`) and
 * passes the stream on.
 */
import { request as httpRequest } from 'node:http'

import type { Pod } from '#api'
import type { Target } from '../registry/index.ts'
import { getObject } from '../registry/index.ts'
import { failure, internalError, methodNotAllowed, Refused } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answerStatus } from './exchange.ts'
import { containerOf, daemonHeaders, daemonOf } from './pod-daemon.ts'
import type { ServerContext } from './server-context.ts'

const PASSED_ON = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes']
const CONNECT_MILLISECONDS = 10_000

export async function servePodLog(context: ServerContext, exchange: Exchange, target: Target): Promise<void> {
  if (exchange.request.method !== 'GET') throw new Refused(methodNotAllowed())
  const pod = (await getObject(context.registry, target, '')).object as Pod
  const container = containerOf(pod, exchange.query.get('container') ?? '')
  const { host, port } = daemonOf(context, pod)
  const namespace = pod.metadata.namespace ?? ''
  const path = ['containerLogs', namespace, pod.metadata.name, container].map(encodeURIComponent).join('/')
  const query = new URLSearchParams()
  for (const name of PASSED_ON) {
    const value = exchange.query.get(name)
    if (value !== null) query.set(name, value)
  }
  proxy(context, exchange, { host, port, path: `/${path}?${query.toString()}` })
}

function proxy(
  context: ServerContext,
  exchange: Exchange,
  upstream: { readonly host: string; readonly port: number; readonly path: string },
): void {
  const { response } = exchange
  const fail = (reason: string): void => {
    if (response.headersSent) response.destroy()
    else answerStatus(exchange, internalError(`the node's daemon did not deliver the log: ${reason}`))
  }
  const call = httpRequest({ ...upstream, method: 'GET', headers: daemonHeaders(context), agent: false })
  const cancel = context.clock.after(CONNECT_MILLISECONDS, () => call.destroy(new Error('no answer in time')))
  call.on('error', (error) => {
    cancel()
    fail(error.message)
  })
  call.on('response', (incoming) => {
    cancel()
    if (incoming.statusCode !== 200) {
      incoming.resume()
      const code = incoming.statusCode === 404 ? 404 : incoming.statusCode === 400 ? 400 : 500
      const message = `the node's daemon answered ${incoming.statusCode}`
      answerStatus(exchange, failure({ code, reason: code === 500 ? 'InternalError' : 'BadRequest', message }))
      return
    }
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-cache, private' })
    response.flushHeaders()
    incoming.on('error', () => response.destroy())
    incoming.pipe(response)
  })
  response.on('close', () => call.destroy())
  call.end()
}
