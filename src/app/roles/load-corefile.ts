/** Corefiles from the disk, with what they import and name: resolv.conf files, hosts files, certificates. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import type { CorefileConfig } from '#dns'
import { readCorefile } from '#dns'
import { messageOf, SignalboxError } from '#lib'

export type LoadedCorefile = {
  readonly config: CorefileConfig
  /** Of every file that was read: another one when any of them changes. */
  readonly hash: string
}

/** As CoreDNS is told by `-conf`. */
export const STANDARD_COREFILE = '/etc/coredns/Corefile'

/** @throws SBX_DNS_COREFILE */
export function loadCorefile(path: string): LoadedCorefile {
  const hash = createHash('sha256')
  const read = (file: string): string => {
    const text = readFileSync(file, 'utf8')
    hash.update(`${file}\0${text}\0`)
    return text
  }
  const text = (() => {
    try {
      return read(path)
    } catch (cause) {
      throw new SignalboxError('SBX_DNS_COREFILE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
    }
  })()
  const config = readCorefile(text, {
    file: path,
    env: process.env,
    readText: (file) => {
      try {
        return read(resolve(dirname(path), file))
      } catch {
        return undefined
      }
    },
    readFiles: (pattern, from) =>
      globSync(resolve(dirname(from), pattern))
        .filter((file) => statSync(file).isFile())
        .sort()
        .map((file) => ({ file, text: read(file) })),
  })
  return { config, hash: hash.digest('hex') }
}
