/** /healthz and /livez over HTTP (HC-10). Answers nothing else. */
import type { RequestListener } from 'node:http'
import type { ProxyHealth } from './proxy-health.ts'
import { send } from './serve-address.ts'

/** `count` is told the status of every answer. */
export function healthzHandler(
  health: ProxyHealth,
  count: (path: 'healthz' | 'livez', status: number) => void,
): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?', 1)[0]
    if (path !== '/healthz' && path !== '/livez') {
      response.writeHead(404).end()
      return
    }
    const name = path === '/healthz' ? 'healthz' : 'livez'
    const { status, body } = health[name]()
    count(name, status)
    send(response, { status, body: JSON.stringify(body), type: 'application/json' })
  }
}
