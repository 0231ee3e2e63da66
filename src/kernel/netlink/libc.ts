/**
 * The few C library calls netlink needs. The only place in the house that calls foreign code, so that it can move to
 * `node:ffi` one day; loaded at the first use, because not every command speaks to the kernel.
 *
 * All calls are synchronous and none blocks: what blocks in koffi's thread pool stops the file system promises of the whole
 * process. `errno` is read at once, before anything else can call into C.
 */
import type * as koffiModule from 'koffi'

import { messageOf, SignalboxError } from '#lib'

export type Libc = {
  /** Each returns what C returns, or the negative errno. */
  readonly socket: (domain: number, type: number, protocol: number) => number
  readonly bind: (fd: number, address: Uint8Array) => number
  readonly send: (fd: number, data: Uint8Array, flags: number) => number
  readonly recv: (fd: number, into: Uint8Array, flags: number) => number
  readonly setOption: (fd: number, level: number, option: { readonly name: number; readonly value: number }) => number
  readonly close: (fd: number) => number
  /** Calls `onReadable` when data can be read from `fd`; keeps the process alive until stopped. */
  readonly watch: (fd: number, onReadable: () => void) => { readonly stop: () => void }
}

type Koffi = typeof koffiModule

let loading: Promise<Libc> | undefined

/** @throws SBX_NETLINK_UNAVAILABLE where foreign calls are not possible. */
export function loadLibc(): Promise<Libc> {
  loading ??= load()
  return loading
}

async function load(): Promise<Libc> {
  if (process.platform !== 'linux') throw unavailable(`this is ${process.platform}, not Linux`)
  try {
    const koffi = await import('koffi')
    return bindFunctions(koffi.default)
  } catch (error) {
    throw unavailable(messageOf(error))
  }
}

function unavailable(reason: string): SignalboxError {
  return new SignalboxError('SBX_NETLINK_UNAVAILABLE', `cannot call the C library: ${reason}`)
}

function bindFunctions(koffi: Koffi['default']): Libc {
  // glibc goes by the first name, musl by the second.
  const library = loadFirst(koffi, ['libc.so.6', 'libc.so'])
  const orErrno = (result: unknown): number => {
    const code = result === -1 || result === -1n ? -koffi.errno() : Number(result)
    return code
  }
  const socket = library.func('int socket(int domain, int type, int protocol)')
  const bind = library.func('int bind(int fd, void *address, uint32_t length)')
  const send = library.func('intptr_t send(int fd, void *data, size_t length, int flags)')
  const recv = library.func('intptr_t recv(int fd, void *into, size_t length, int flags)')
  const setsockopt = library.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)')
  const close = library.func('int close(int fd)')
  return {
    socket: (domain, type, protocol) => orErrno(socket(domain, type, protocol)),
    bind: (fd, address) => orErrno(bind(fd, address, address.byteLength)),
    send: (fd, data, flags) => orErrno(send(fd, data, data.byteLength, flags)),
    recv: (fd, into, flags) => orErrno(recv(fd, into, into.byteLength, flags)),
    setOption: (fd, level, { name, value }) => orErrno(setsockopt(fd, level, name, Int32Array.of(value), 4)),
    close: (fd) => orErrno(close(fd)),
    watch: (fd, onReadable) => {
      const handle = koffi.node.poll(fd, { readable: true }, onReadable)
      return { stop: () => handle.close() }
    },
  }
}

function loadFirst(koffi: Koffi['default'], names: readonly string[]): ReturnType<Koffi['default']['load']> {
  for (const name of names.slice(0, -1)) {
    try {
      return koffi.load(name)
    } catch {
      // The next name may be the one.
    }
  }
  return koffi.load(names.at(-1) ?? '')
}
