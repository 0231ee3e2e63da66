/**
 * Opens and resets TCP connections, one after the other and to each address in turn, and prints for each the microseconds
 * that `connect` took, sorted:
 *
 *   node connect-client.ts TIMES ADDRESS:PORT…
 *
 * Speaks to the C library directly and blocks: an event loop would cost more than what is measured.
 */
import koffi from 'koffi'

const AF_INET = 2
const SOCK_STREAM = 1
const SOL_SOCKET = 1
const SO_LINGER = 13
/** Close resets at once: no port stays taken. */
const LINGER = Int32Array.of(1, 0)

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const connect = libc.func('int connect(int fd, void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')
const close = libc.func('int close(int fd)')

const [times = '1', ...targets] = process.argv.slice(2)
const addresses = targets.map(socketAddress)
const found = targets.map((): number[] => [])
for (let round = 0; round < Number(times); round += 1) {
  for (const [index, address] of addresses.entries()) {
    const fd = Number(socket(AF_INET, SOCK_STREAM, 0))
    setsockopt(fd, SOL_SOCKET, SO_LINGER, LINGER, 8)
    const before = process.hrtime.bigint()
    const result = Number(connect(fd, address, address.byteLength))
    const took = Number(process.hrtime.bigint() - before) / 1000
    if (result !== 0) throw new Error(`connect ${targets[index] ?? ''}: errno ${koffi.errno()}`)
    found[index]?.push(took)
    close(fd)
  }
}
process.stdout.write(JSON.stringify(found.map((list) => list.sort((a, b) => a - b))))

function socketAddress(target: string): Uint8Array {
  const [address = '', port = '0'] = target.split(':')
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(Number(port), 2)
  for (const [index, part] of address.split('.').entries()) bytes[4 + index] = Number(part)
  return bytes
}
