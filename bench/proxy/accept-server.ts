/** Accepts TCP connections on every address of its network namespace and drops them; prints one line once it listens. */
import { createServer } from 'node:net'

const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.destroy()
})
server.listen({ port: Number(process.argv[2]), host: '0.0.0.0', backlog: 4096 }, () =>
  process.stdout.write('listening\n'),
)
