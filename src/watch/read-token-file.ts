/**
 * Bearer token from a file that somebody else rotates (a projected service account token lives an hour). Read anew
 * for each request; while a rotation makes the file unreadable, the last good token stands in.
 */
import { readFileSync } from 'node:fs'
import { SignalboxError } from '#lib'

export function tokenFromFile(path: string): () => string {
  let last: string | undefined
  return () => {
    try {
      const token = readFileSync(path, 'utf8').trim()
      if (token !== '') last = token
    } catch (error) {
      if (last === undefined) {
        throw new SignalboxError('SBX_KUBECONFIG_UNREADABLE', `token file ${path} cannot be read`, { cause: error })
      }
    }
    if (last === undefined) throw new SignalboxError('SBX_KUBECONFIG_INVALID', `token file ${path} is empty`)
    return `Bearer ${last}`
  }
}
