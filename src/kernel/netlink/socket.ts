/**
 * A netlink socket for requests and answers. Netlink is synchronous: when `send` returns, the kernel has done the work and
 * what it has to say waits to be read, so that nothing here ever blocks or polls.
 */
import { SignalboxError } from '#lib'

import { ERRNO, errnoName } from './errno.ts'
import { loadLibc, type Libc } from './libc.ts'
import { readMessages, type NetlinkError, type NetlinkMessage } from './messages.ts'

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_SNDBUFFORCE = 32
const SO_RCVBUF = 8
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const MSG_DONTWAIT = 0x40

/** A whole batch must fit. */
const SEND_BUFFER = 256 * 1024 * 1024
/** Room for the complaints about a batch. */
const RECEIVE_BUFFER = 4 * 1024 * 1024
/** The kernel fills at most 32 KiB a message of a dump, or what the reader has shown it can take. */
const READ_SIZE = 256 * 1024

export type NetlinkSocket = {
  /** Sends and returns every error that came back; none means all of it was done. */
  transact(data: Uint8Array): readonly NetlinkError[]
  /** Sends a dump or get request and returns all messages of the answer. */
  request(data: Uint8Array): readonly NetlinkMessage[]
  /** Calls back whenever a notification of one of the groups arrived. */
  watch(onMessages: (messages: readonly NetlinkMessage[]) => void): { readonly stop: () => void }
  close(): void
}

/** @throws SBX_NETLINK_UNAVAILABLE. `groups`: bits of the multicast groups to be told about. */
export async function openNetlink(protocol: number, groups = 0): Promise<NetlinkSocket> {
  const libc = await loadLibc()
  const fd = check(libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), 'open a netlink socket')
  const address = new Uint8Array(12)
  const fields = new DataView(address.buffer)
  fields.setUint16(0, AF_NETLINK, true)
  fields.setUint32(8, groups, true)
  const bound = libc.bind(fd, address)
  if (bound < 0) {
    libc.close(fd)
    check(bound, 'bind a netlink socket')
  }
  // Without CAP_NET_ADMIN over the whole machine the plain option applies, and net.core.wmem_max limits a batch.
  resize(libc, fd, { force: SO_SNDBUFFORCE, plain: SO_SNDBUF, size: SEND_BUFFER })
  resize(libc, fd, { force: SO_RCVBUFFORCE, plain: SO_RCVBUF, size: RECEIVE_BUFFER })
  libc.setOption(fd, SOL_NETLINK, { name: NETLINK_CAP_ACK, value: 1 })
  libc.setOption(fd, SOL_NETLINK, { name: NETLINK_EXT_ACK, value: 1 })
  return createSocket(libc, fd)
}

function resize(
  libc: Libc,
  fd: number,
  { force, plain, size }: { readonly force: number; readonly plain: number; readonly size: number },
): void {
  if (libc.setOption(fd, SOL_SOCKET, { name: force, value: size }) < 0) {
    libc.setOption(fd, SOL_SOCKET, { name: plain, value: size })
  }
}

function createSocket(libc: Libc, fd: number): NetlinkSocket {
  const buffer = new Uint8Array(READ_SIZE)
  let open = true
  const send = (data: Uint8Array): void => {
    if (!open) throw new SignalboxError('SBX_NETLINK_UNAVAILABLE', 'the netlink socket is closed')
    const sent = libc.send(fd, data, 0)
    if (sent === -ERRNO.EMSGSIZE || sent === -ERRNO.ENOBUFS) {
      throw new SignalboxError('SBX_NETLINK_TOO_LARGE', `the kernel takes no batch of ${data.byteLength} bytes`, {
        facts: { bytes: data.byteLength },
      })
    }
    check(sent, 'send to the kernel')
  }
  const receive = (): readonly NetlinkMessage[] | undefined => {
    for (;;) {
      const length = libc.recv(fd, buffer, MSG_DONTWAIT)
      if (length === -ERRNO.EAGAIN) return undefined
      if (length === -ERRNO.EINTR) continue
      check(length, 'read from the kernel')
      return readMessages(buffer.slice(0, length))
    }
  }
  return {
    transact: (data) => {
      send(data)
      const errors: NetlinkError[] = []
      for (let messages = receive(); messages !== undefined; messages = receive()) {
        for (const message of messages) if (message.kind === 'error' && message.errno !== 0) errors.push(message)
      }
      return errors
    },
    request: (data) => {
      send(data)
      const all: NetlinkMessage[] = []
      for (let messages = receive(); messages !== undefined; messages = receive()) all.push(...messages)
      return all
    },
    watch: (onMessages) =>
      libc.watch(fd, () => {
        for (let messages = receive(); messages !== undefined; messages = receive()) onMessages(messages)
      }),
    close: () => {
      if (open) libc.close(fd)
      open = false
    },
  }
}

function check(result: number, what: string): number {
  if (result >= 0) return result
  throw new SignalboxError('SBX_NETLINK_UNAVAILABLE', `cannot ${what}: ${errnoName(-result)}`, {
    facts: { errno: -result },
  })
}
