/**
 * A pseudo-terminal pair (pty(7)). Node.js has none; four ioctls on /dev/ptmx make one, and the slave is opened through the
 * master (TIOCGPTPEER), so that it does not matter which devpts instance is mounted where.
 */
import { closeSync, constants, openSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { ReadStream } from 'node:tty'

import { messageOf, SignalboxError } from '#lib'

export interface Pty {
  /** Standard streams of the program that gets the terminal. */
  readonly slave: number
  /** To be called once the program is started: without it the end of the program would not be the end of `stream`. */
  closeSlave(): void
  /** What the terminal shows, and the keys that are typed. Ends with the last program that holds the slave. */
  readonly stream: Duplex
  resize(size: TerminalSize): void
  close(): void
}

export type TerminalSize = { readonly columns: number; readonly rows: number }

/** asm-generic/ioctls.h */
const TIOCSPTLCK = 0x4004_5431
const TIOCGPTPEER = 0x5441
const TIOCSWINSZ = 0x5414

type Ioctl = {
  readonly pointer: (fd: number, request: number, value: Int32Array | Uint16Array) => number
  readonly number: (fd: number, request: number, value: number) => number
}

let loading: Promise<Ioctl> | undefined

/** @throws SBX_CAPABILITY_PTY where there are no pseudo-terminals. */
export async function openPty(): Promise<Pty> {
  let master = -1
  try {
    loading ??= loadIoctl()
    const ioctl = await loading
    master = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
    if (ioctl.pointer(master, TIOCSPTLCK, Int32Array.of(0)) < 0) throw new Error('the terminal cannot be unlocked')
    const slave = ioctl.number(master, TIOCGPTPEER, constants.O_RDWR | constants.O_NOCTTY)
    if (slave < 0) throw new Error('the terminal has no other end')
    return pair(ioctl, { master, slave })
  } catch (cause) {
    if (master >= 0) closeSync(master)
    throw new SignalboxError('SBX_CAPABILITY_PTY', `no pseudo-terminal: ${messageOf(cause)}`, { cause })
  }
}

function pair(ioctl: Ioctl, fds: { readonly master: number; readonly slave: number }): Pty {
  const stream = new ReadStream(fds.master)
  // The end of the last program reads as EIO.
  stream.on('error', () => stream.destroy())
  let slaveIsOpen = true
  const closeSlave = (): void => {
    if (slaveIsOpen) closeSync(fds.slave)
    slaveIsOpen = false
  }
  return {
    slave: fds.slave,
    closeSlave,
    stream,
    resize: ({ columns, rows }) => {
      if (!stream.destroyed) ioctl.pointer(fds.master, TIOCSWINSZ, Uint16Array.of(rows, columns, 0, 0))
    },
    close: () => {
      closeSlave()
      stream.destroy()
    },
  }
}

/** Foreign calls are loaded at the first use: few commands need a terminal. */
async function loadIoctl(): Promise<Ioctl> {
  const { default: koffi } = await import('koffi')
  const load = (): ReturnType<typeof koffi.load> => {
    try {
      return koffi.load('libc.so.6')
    } catch {
      return koffi.load('libc.so')
    }
  }
  const library = load()
  return {
    pointer: library.func('int ioctl(int fd, unsigned long request, void *argument)') as unknown as Ioctl['pointer'],
    number: library.func('int ioctl(int fd, unsigned long request, long argument)') as unknown as Ioctl['number'],
  }
}
