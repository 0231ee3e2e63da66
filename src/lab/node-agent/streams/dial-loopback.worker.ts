/** Started by connect-pod.ts inside a pod's network namespace: joins its standard streams with a port of the loopback. */
import { connect, Socket } from 'node:net'

const port = Number(process.argv[2])
// Not process.stdout, which cannot be closed: the end of what the port sends must be told while the other way is open.
const input = new Socket({ fd: 0, writable: false })
const output = new Socket({ fd: 1, readable: false })
const socket = connect({ host: 'localhost', port, allowHalfOpen: true, autoSelectFamily: true })
socket.once('connect', () => {
  output.write('+')
  input.pipe(socket)
  socket.pipe(output)
})
for (const stream of [input, output]) stream.on('error', () => socket.destroy())
socket.on('error', (error) => {
  process.stderr.write(`failed to connect to localhost:${port} inside the pod: ${error.message}\n`)
  process.exitCode = 1
})
socket.on('close', () => {
  input.destroy()
  output.end()
})
