/**
 * A client for kernel tests: dials one address several times, one after the other, and prints the answers as JSON.
 *
 *   node dial.ts tcp|udp HOST PORT TIMES [MILLISECONDS]      an attempt that takes longer is answered by `timeout`
 */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

const [protocol = 'tcp', host = '', port = '0', times = '1', patience = '30000'] = process.argv.slice(2)

function dialTcp(): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ host, port: Number(port) })
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => (answer += chunk))
    socket.on('end', () => resolve(answer))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
    socket.setTimeout(Number(patience), () => {
      socket.destroy()
      resolve('timeout')
    })
  })
}

function dialUdp(): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const patient = setTimeout(() => done('timeout'), Number(patience))
    const done = (answer: string): void => {
      clearTimeout(patient)
      socket.close()
      resolve(answer)
    }
    socket.on('message', (message) => done(message.toString('utf8')))
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'error'))
    // Connected, so that an ICMP error comes back as ECONNREFUSED.
    socket.connect(Number(port), host, () => socket.send('hello'))
  })
}

const answers: string[] = []
for (let i = 0; i < Number(times); i += 1) answers.push(await (protocol === 'udp' ? dialUdp() : dialTcp()))
process.stdout.write(JSON.stringify(answers))
