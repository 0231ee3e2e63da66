/**
 * A pod for kernel tests: answers every TCP connection and UDP datagram with its own name and the address it saw.
 *
 *   node echo-server.ts NAME PORT      prints one line once it listens
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

const [name = '', port = '0'] = process.argv.slice(2)
const plain = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '')

const tcp = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.end(`${name} ${plain(socket.remoteAddress)}`)
})
const udp = createSocket({ type: 'udp6', ipv6Only: false })
udp.on('message', (_, from) => udp.send(`${name} ${plain(from.address)}`, from.port, from.address))
udp.bind(Number(port), '::', () => tcp.listen(Number(port), '::', () => process.stdout.write('listening\n')))
