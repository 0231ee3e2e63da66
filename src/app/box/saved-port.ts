/** The loopback port of a box's API: the same one again after a restart where it is still free, so that kubeconfigs hold. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

import { stateLayout } from './box-layout.ts'

export function readSavedPort(stateDir: string | undefined): number | undefined {
  if (stateDir === undefined) return undefined
  const path = stateLayout(stateDir).apiPort
  const port = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}

/** `listen` is HOST:PORT. */
export function savePort(stateDir: string | undefined, listen: string): void {
  if (stateDir === undefined) return
  writeFileSync(stateLayout(stateDir).apiPort, listen.slice(listen.lastIndexOf(':') + 1), { mode: 0o600 })
}
