/**
 * The rules and host facts of one node: from its live kernel (through whatever leads into its network namespace), or from
 * files that somebody saved there.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { hostFactsOf, readHostFacts } from '#explain'
import { mustRun } from '#kernel'
import type { Family } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { HostFacts, Ruleset } from '#rulesets/iptables'
import { parseIptablesSave } from '#rulesets/iptables'

export type NodeRules = {
  readonly ruleset: Ruleset
  readonly host: HostFacts
  /** What iptables-save printed. */
  readonly text: string
}

/** Turns a command line into one that runs on the node; the identity on the node itself. */
export type OnNode = (argv: readonly [string, ...string[]]) => readonly string[]

export async function rulesFromKernel(family: Family, onNode: OnNode): Promise<NodeRules> {
  const run = async (...argv: [string, ...string[]]): Promise<string> => {
    const [file = '', ...args] = onNode(argv)
    return mustRun(file, args)
  }
  const flag = family === 'IPv4' ? '-4' : '-6'
  const [text, addresses, routes] = await Promise.all([
    run(family === 'IPv4' ? 'iptables-save' : 'ip6tables-save'),
    run('ip', '-j', 'addr'),
    run('ip', '-j', flag, 'route'),
  ])
  return {
    text,
    ruleset: parseIptablesSave(text, family).ruleset,
    host: readHostFacts({ addresses, routes: { [family]: routes } }),
  }
}

/**
 * `path` is what iptables-save printed, or a folder with `iptables-save.txt` or `ip6tables-save.txt` and, if the host is
 * to be known exactly, `ip-addr.json` (`ip -j addr`) and `ip-route.json` (`ip -j route`).
 *
 * @throws SBX_EXPLAIN_DUMP
 */
export function rulesFromDump(path: string, family: Family, knownAddresses: readonly string[]): NodeRules {
  const folder = isFolder(path)
  const file = folder ? join(path, family === 'IPv4' ? 'iptables-save.txt' : 'ip6tables-save.txt') : path
  const text = readDump(file)
  const ruleset = parseIptablesSave(text, family).ruleset
  const addresses = join(path, 'ip-addr.json')
  if (!folder || !existsSync(addresses)) return { text, ruleset, host: hostFactsOf(knownAddresses) }
  const routes = join(path, 'ip-route.json')
  const host = readHostFacts({
    addresses: readDump(addresses),
    routes: existsSync(routes) ? { [family]: readDump(routes) } : {},
  })
  return { text, ruleset, host }
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
