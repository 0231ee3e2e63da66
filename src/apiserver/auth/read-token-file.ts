/**
 * The token file: JSON (`[{"token","user","uid","groups"}]`) or kube-apiserver's CSV (`token,user,uid,"group1,group2"`).
 * Refused when others may read it.
 */
import { readFileSync, statSync } from 'node:fs'

import { messageOf, SignalboxError } from '#lib'
import type { User } from '../registry/index.ts'
import type { TokenTable } from './authenticate.ts'
import { tokenDigest } from './authenticate.ts'

const MIN_TOKEN_LENGTH = 16

export function readTokenFile(path: string): TokenTable {
  const fail = (text: string, cause?: unknown): SignalboxError =>
    new SignalboxError('SBX_AUTH_TOKEN_FILE', `${path}: ${text}`, {
      facts: { path },
      ...(cause === undefined ? {} : { cause }),
    })
  let text: string
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw fail('the token file must not be accessible by others (mode 0600)')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw error instanceof SignalboxError ? error : fail(messageOf(error), error)
  }
  const entries = text.trimStart().startsWith('[') ? fromJson(text) : fromCsv(text)
  if (typeof entries === 'string') throw fail(entries)
  return new Map(entries.map(({ token, user }) => [tokenDigest(token), user]))
}

type Entry = { readonly token: string; readonly user: User }

/** The entries, or what is wrong with the text. */
function fromJson(text: string): readonly Entry[] | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return 'not valid JSON'
  }
  const entries: Entry[] = []
  for (const [i, item] of (parsed as Record<string, unknown>[]).entries()) {
    const { token, user, uid, groups = [] } = item
    const problem = problemOf(token, user)
    if (problem !== undefined) return `entry ${i}: ${problem}`
    if (!Array.isArray(groups) || !groups.every((group) => typeof group === 'string')) {
      return `entry ${i}: groups must be a list of names`
    }
    const name = user as string
    entries.push({ token: token as string, user: { name, groups, ...(typeof uid === 'string' ? { uid } : {}) } })
  }
  return entries
}

function fromCsv(text: string): readonly Entry[] | string {
  const entries: Entry[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const cells = [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((match) => unquoted(match[1] as string))
    const [token, user, uid = '', groups = ''] = cells
    const problem = problemOf(token, user)
    if (problem !== undefined) return `line ${i + 1}: ${problem}`
    const list = groups
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== '')
    entries.push({
      token: token as string,
      user: { name: user as string, groups: list, ...(uid === '' ? {} : { uid }) },
    })
  }
  return entries
}

function unquoted(cell: string): string {
  const text = cell.trim()
  return text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replaceAll('""', '"') : text
}

function problemOf(token: unknown, user: unknown): string | undefined {
  if (typeof token !== 'string' || token.length < MIN_TOKEN_LENGTH) {
    return `a token needs at least ${MIN_TOKEN_LENGTH} characters`
  }
  return typeof user === 'string' && user !== '' ? undefined : 'the user name is missing'
}
