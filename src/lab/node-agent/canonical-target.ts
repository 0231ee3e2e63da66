/** Like realpath, but a path that leads to nothing yet is an answer too (`readlink -m`). */
import { readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'

export async function canonicalTarget(path: string, depth = 0): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined || path === '/' || depth > 40) return real ?? path
  const link = await readlink(path).catch(() => undefined)
  if (link !== undefined) return canonicalTarget(resolve(dirname(path), link), depth + 1)
  return join(await canonicalTarget(dirname(path), depth + 1), basename(path))
}
