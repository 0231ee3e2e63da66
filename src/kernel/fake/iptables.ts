/**
 * iptables without a kernel: keeps a ruleset as a value and refuses what the kernel refuses. Held against the real tools
 * by iptables.kernel.test.ts on random transactions.
 */
import type { Family, SignalboxError } from '#lib'
import type { Rule, Ruleset } from '#rulesets/iptables'
import { parseIptablesSave, printIptablesSave, printRule } from '#rulesets/iptables'
import { classifyIptablesFailure } from '../iptables-failure.ts'
import type { IptablesDoor } from '../iptables.ts'
import type { FakeChain, FakeTable } from './iptables-tables.ts'
import { emptyTables, findLoop, isReferenced, toRuleset } from './iptables-tables.ts'

export type FakeIptables = IptablesDoor & {
  /** What the pretended kernel holds now. */
  readonly ruleset: () => Ruleset
  /** Every text given to `restore`, accepted or not, oldest first. */
  readonly restored: readonly string[]
  /** The next `times` calls of `restore` fail with this and change nothing. */
  readonly failNext: (error: SignalboxError, times?: number) => void
  /** Lets a test pretend to be another program: the text is applied and not recorded. */
  readonly meddle: (text: string) => void
}

export function createFakeIptables(family: Family): FakeIptables {
  let tables = emptyTables()
  const restored: string[] = []
  const faults: SignalboxError[] = []
  const apply = (text: string): void => {
    for (const section of splitSections(text)) tables = applySection(tables, section, { family, text })
  }
  return {
    family,
    version: () => Promise.resolve({ version: '1.8.9', variant: 'nf_tables' }),
    save: () => Promise.resolve(printIptablesSave(toRuleset(tables, family))),
    restore: (text) => {
      restored.push(text)
      const fault = faults.shift()
      try {
        if (fault !== undefined) throw fault
        apply(text)
        return Promise.resolve()
      } catch (error) {
        return Promise.reject(asError(error))
      }
    },
    ruleset: () => toRuleset(tables, family),
    restored,
    failNext: (error, times = 1) => void faults.push(...Array.from({ length: times }, () => error)),
    meddle: apply,
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

type Command =
  | { readonly kind: 'declare' | 'remove'; readonly line: number; readonly chain: string; readonly policy: string }
  | {
      readonly kind: 'append' | 'insert' | 'delete'
      readonly line: number
      readonly chain: string
      readonly position: number
      readonly specification: string
    }

type SectionText = { readonly table: string; readonly line: number; readonly commands: readonly Command[] }

type Context = { readonly family: Family; readonly text: string }

function splitSections(text: string): SectionText[] {
  const sections: SectionText[] = []
  let open: { table: string; line: number; commands: Command[] } | undefined
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1
    const content = raw.trim()
    if (content === '' || content.startsWith('#')) continue
    if (content.startsWith('*')) open = { table: content.slice(1), line, commands: [] }
    else if (open === undefined) throw refuse('no command specified', { line, text })
    else if (content === 'COMMIT') {
      sections.push(open)
      open = undefined
    } else open.commands.push(readCommand(content, line, text))
  }
  if (open !== undefined) throw refuse('COMMIT expected', { line: text.split('\n').length, text })
  return sections
}

function readCommand(content: string, line: number, text: string): Command {
  const declared = /^:(\S+) (\S+)/.exec(content)
  if (declared !== null) return { kind: 'declare', line, chain: declared[1] ?? '', policy: declared[2] ?? '-' }
  const removed = /^-X (\S+)$/.exec(content)
  if (removed !== null) return { kind: 'remove', line, chain: removed[1] ?? '', policy: '-' }
  const rule = /^-([AID]) (\S+)(?: (\d+)(?= |$))?(?: (.*))?$/.exec(content)
  if (rule === null) throw refuse('unknown option', { line, text })
  const kind = rule[1] === 'A' ? 'append' : rule[1] === 'I' ? 'insert' : 'delete'
  return { kind, line, chain: rule[2] ?? '', position: Number(rule[3] ?? 1), specification: rule[4] ?? '' }
}

/** All or nothing: works on a copy. */
function applySection(
  tables: ReadonlyMap<string, FakeTable>,
  section: SectionText,
  context: Context,
): Map<string, FakeTable> {
  const before = tables.get(section.table)
  if (before === undefined) throw refuse(`table name '${section.table}' invalid`, { ...context, line: section.line })
  const table: FakeTable = new Map([...before].map(([name, chain]) => [name, { ...chain, rules: [...chain.rules] }]))
  const rules = parseRules(section, table, context)
  for (const command of section.commands) runCommand(table, command, { ...context, rule: rules.get(command) })
  const loop = findLoop(table)
  const line = section.commands.at(-1)?.line ?? section.line
  if (loop !== undefined)
    throw refuse(`RULE_APPEND failed (Too many links): rule in chain ${loop}`, { ...context, line })
  return new Map([...tables, [section.table, table]])
}

/** All rules of a section in one go: each under a chain name of its own, beside the chains it may jump to. */
function parseRules(section: SectionText, table: FakeTable, context: Context): Map<Command, Rule> {
  const known = new Set(table.keys())
  for (const command of section.commands) if (command.kind === 'declare') known.add(command.chain)
  const withRule = section.commands.filter((command) => 'specification' in command)
  const lines = ['*t', ...[...known].map((name) => `:${name} -`)]
  for (const command of withRule) lines.push(`:line-${command.line} -`)
  for (const command of withRule) lines.push(`-A line-${command.line} ${command.specification}`.trimEnd())
  const { ruleset, problems } = parseIptablesSave(`${lines.join('\n')}\nCOMMIT\n`, context.family)
  if (problems[0] !== undefined) throw refuse(problems[0].message, { ...context, line: section.line })
  const parsed = new Map<Command, Rule>()
  for (const command of withRule) {
    const rule = ruleset.tables.get('t')?.chains.get(`line-${command.line}`)?.rules[0]
    if (rule !== undefined) parsed.set(command, rule)
  }
  return parsed
}

function runCommand(table: FakeTable, command: Command, context: Context & { readonly rule: Rule | undefined }): void {
  const { chain: name, line } = command
  const fail = (said: string): SignalboxError => refuse(said, { ...context, line })
  const chain = table.get(name)
  if (command.kind === 'declare') {
    declare(table, name, command.policy)
    return
  }
  if (chain === undefined) throw fail('No chain/target/match by that name.')
  if (!('specification' in command)) {
    const busy = chain.policy !== undefined || chain.rules.length > 0 || isReferenced(table, name)
    if (busy) throw fail(`CHAIN_DEL failed (Device or resource busy): chain ${name}`)
    table.delete(name)
    return
  }
  const { rule } = context
  if (rule === undefined) throw fail('no rule')
  editRules(chain, command, { table, rule, fail })
}

function editRules(
  chain: FakeChain,
  command: Extract<Command, { readonly specification: string }>,
  at: { readonly table: FakeTable; readonly rule: Rule; readonly fail: (said: string) => SignalboxError },
): void {
  const { table, rule, fail } = at
  if (command.kind === 'delete') {
    const text = printRule(rule)
    const index = chain.rules.findIndex((candidate) => printRule(candidate) === text)
    if (index < 0) throw fail('Bad rule (does a matching rule exist in that chain?).')
    chain.rules.splice(index, 1)
    return
  }
  const target = rule.target
  if (target?.kind === 'jump' && !table.has(target.chain)) throw fail(`Chain '${target.chain}' does not exist`)
  if (target?.kind === 'other' && target.arguments.length === 0) throw fail(`Chain '${target.name}' does not exist`)
  if (command.kind === 'append') chain.rules.push(rule)
  else if (command.position > chain.rules.length + 1) throw fail('Index of insertion too big.')
  else chain.rules.splice(command.position - 1, 0, rule)
}

/** With --noflush a chain of ours that is declared again is emptied; a built-in one only gets its policy. */
function declare(table: FakeTable, name: string, policy: string): void {
  const chain: FakeChain | undefined = table.get(name)
  if (chain?.policy === undefined) table.set(name, { rules: [] })
  else if (policy === 'ACCEPT' || policy === 'DROP') table.set(name, { ...chain, policy })
}

function refuse(said: string, at: { readonly line: number; readonly text: string }): SignalboxError {
  const stderr = `iptables-restore: line ${at.line} failed: ${said}\n`
  return classifyIptablesFailure({ tool: 'iptables-restore', input: at.text, status: 1, stderr })
}
