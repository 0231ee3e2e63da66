/**
 * The built-in workload `signalbox/echo`: HTTP on TCP and an echo on UDP, both on PORT, saying which pod answered whom.
 * Its own process with nothing but Node.js built-ins, so that a pod is ready as soon as possible.
 */
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const port = Number(process.env['PORT'] ?? 9376)
const pod = process.env['POD_NAME'] ?? hostname()

/** IPv4 clients of an IPv6 socket are shown under their own address. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, '')
}

const server = createServer((request, response) => {
  const { socket, method, url, headers, httpVersion } = request
  const answer = {
    pod,
    address: plain(socket.localAddress),
    port: socket.localPort,
    client: { address: plain(socket.remoteAddress), port: socket.remotePort },
    method,
    path: url,
    httpVersion,
    headers,
  }
  request.resume()
  const text = url?.startsWith('/text') === true
  response.setHeader('content-type', text ? 'text/plain' : 'application/json')
  response.end(text ? `${pod}\n` : `${JSON.stringify(answer)}\n`)
})

const dualStack = existsSync('/proc/net/if_inet6')
const datagrams = createSocket({ type: dualStack ? 'udp6' : 'udp4', ipv6Only: false })
datagrams.on('message', (message, from) => {
  const answer = {
    pod,
    client: { address: plain(from.address), port: from.port },
    message: message.toString('utf8'),
  }
  datagrams.send(JSON.stringify(answer), from.port, from.address, () => undefined)
})
// A client that is gone answers with ICMP; that is no reason to stop.
datagrams.on('error', (error) => process.stderr.write(`udp: ${error.message}\n`))

server.on('error', (error) => {
  process.stderr.write(`tcp: ${error.message}\n`)
  process.exit(1)
})
// Without an address Node.js listens in both families where there are two.
server.listen(port, () => process.stdout.write(`echo of ${pod} on port ${port}\n`))
datagrams.bind(port)

/** Requests that have arrived are answered; then the process ends on its own. */
process.on('SIGTERM', () => {
  server.close()
  server.closeIdleConnections()
  datagrams.close()
})
