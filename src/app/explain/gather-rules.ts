/**
 * The rules and host facts of one node: from its live kernel (through whatever leads into its network namespace), or from
 * files that somebody saved there.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import type { Rules } from '#explain'
import { hostFactsOf, readHostFacts } from '#explain'
import { mustRun } from '#kernel'
import type { Family } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { HostFacts } from '#rulesets/iptables'
import { parseIptablesSave } from '#rulesets/iptables'
import { parseNftRuleset } from '#rulesets/nftables'

import { selfCommand } from '../self-command.ts'

export type NodeRules = {
  readonly rules: Rules
  readonly host: HostFacts
  /** What iptables-save or `nft list ruleset` printed, or would have. */
  readonly text: string
}

/** Turns a command line into one that runs on the node; the identity on the node itself. */
export type OnNode = (argv: readonly [string, ...string[]]) => readonly string[]

export type LiveRules = {
  readonly family: Family
  readonly onNode: OnNode
  /** Of the proxy there, if known; else nftables where it has tables. */
  readonly mode?: string
}

export async function rulesFromKernel(live: LiveRules): Promise<NodeRules> {
  const { family, onNode } = live
  const run = async (...argv: readonly string[]): Promise<string> => {
    const [command = '', ...rest] = argv
    const [file = '', ...args] = onNode([command, ...rest])
    return mustRun(file, args)
  }
  const flag = family === 'IPv4' ? '-4' : '-6'
  const [text, addresses, routes] = await Promise.all([
    readText(live, run),
    run('ip', '-j', 'addr'),
    run('ip', '-j', flag, 'route'),
  ])
  return { text, rules: parseRules(text, family), host: readHostFacts({ addresses, routes: { [family]: routes } }) }
}

async function readText(
  { family, mode }: LiveRules,
  run: (...argv: readonly string[]) => Promise<string>,
): Promise<string> {
  const readTables = (): Promise<string> => run(...selfCommand(), 'print-tables', '--family', family)
  const readChains = (): Promise<string> => run(family === 'IPv4' ? 'iptables-save' : 'ip6tables-save')
  if (mode === 'nftables') return readTables()
  if (mode !== undefined) return readChains()
  const tables = await readTables().catch(() => '')
  return tables === '' ? readChains() : tables
}

/** The two tools' outputs are told apart by their first line that is no comment. */
export function parseRules(text: string, family: Family): Rules {
  if (!/^(?:\s*#.*\n|\s*\n)*\s*table\s/.test(text)) {
    return { language: 'iptables', ruleset: parseIptablesSave(text, family).ruleset }
  }
  const { ruleset } = parseNftRuleset(text)
  const tables = ruleset.tables.filter((table) => table.family !== (family === 'IPv4' ? 'ip6' : 'ip'))
  return { language: 'nftables', ruleset: { ...ruleset, tables } }
}

/**
 * `path` is what iptables-save or `nft list ruleset` printed, or a folder with `iptables-save.txt` and `ip6tables-save.txt`,
 * or else `nft.txt`, and, if the host is to be known exactly, `ip-addr.json` (`ip -j addr`) and `ip-route.json`
 * (`ip -j route`).
 *
 * @throws SBX_EXPLAIN_DUMP
 */
export function rulesFromDump(path: string, family: Family, knownAddresses: readonly string[]): NodeRules {
  const folder = isFolder(path)
  const text = readDump(folder ? fileIn(path, family) : path)
  const rules = parseRules(text, family)
  const addresses = join(path, 'ip-addr.json')
  if (!folder || !existsSync(addresses)) return { text, rules, host: hostFactsOf(knownAddresses) }
  const routes = join(path, 'ip-route.json')
  const host = readHostFacts({
    addresses: readDump(addresses),
    routes: existsSync(routes) ? { [family]: readDump(routes) } : {},
  })
  return { text, rules, host }
}

function fileIn(folder: string, family: Family): string {
  const saved = join(folder, family === 'IPv4' ? 'iptables-save.txt' : 'ip6tables-save.txt')
  const listed = join(folder, 'nft.txt')
  return !existsSync(saved) && existsSync(listed) ? listed : saved
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory()
}

function readDump(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SignalboxError('SBX_EXPLAIN_DUMP', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}
