/** What the pretended nf_tables does with one change, and refuses like the kernel. */
import type {
  NftChain,
  NftChange,
  NftElement,
  NftFamily,
  NftLookup,
  NftRule,
  NftSet,
  NftSetHeader,
  NftStatement,
  NftVerdict,
  ValueType,
} from '#rulesets/nftables'
import { lookupOf, normalizeRule, parseInterval, typeOf, type Interval } from '#rulesets/nftables'

import { ERRNO } from '../netlink/errno.ts'
import { widthOf } from '../netlink/encode-values.ts'

/** Elements by their key, as canonical intervals. */
export type FakeSet = { readonly header: NftSetHeader; readonly elements: Map<string, NftElement> }
export type FakeChain = { readonly header: Omit<NftChain, 'rules'>; readonly rules: NftRule[] }
export type FakeTable = {
  readonly family: NftFamily
  readonly comment?: string
  readonly sets: Map<string, FakeSet>
  readonly chains: Map<string, FakeChain>
}

/** 0, or the error number the kernel would give. */
export type Errno = number

export function copyTable(table: FakeTable): FakeTable {
  return {
    ...table,
    sets: new Map(
      [...table.sets].map(([name, { header, elements }]) => [name, { header, elements: new Map(elements) }]),
    ),
    chains: new Map([...table.chains].map(([name, { header, rules }]) => [name, { header, rules: [...rules] }])),
  }
}

type TableChange = Exclude<NftChange, { readonly change: 'add-table' | 'delete-table' }>

export function changeTable(table: FakeTable, change: TableChange): Errno {
  switch (change.change) {
    case 'add-chain':
      return addChain(table, change.chain)
    case 'delete-chain':
      return deleteChain(table, change.name)
    case 'flush-chain':
      table.chains.get(change.name)?.rules.splice(0)
      return table.chains.has(change.name) ? 0 : ERRNO.ENOENT
    case 'add-rule':
    case 'insert-rule':
      return addRule(table, change)
    case 'add-set':
      return addSet(table, change.set)
    case 'delete-set':
      return deleteSet(table, change.name)
    case 'flush-set':
      table.sets.get(change.name)?.elements.clear()
      return table.sets.has(change.name) ? 0 : ERRNO.ENOENT
    case 'add-elements':
      return eachElement(table, change, addElement)
    case 'delete-elements':
      return eachElement(table, change, deleteElement)
  }
}

function addChain(table: FakeTable, header: FakeChain['header']): Errno {
  const before = table.chains.get(header.name)
  if (before === undefined) {
    table.chains.set(header.name, { header, rules: [] })
    return 0
  }
  const [old, base] = [before.header.base, header.base]
  if (base === undefined) return 0
  if (old === undefined) return ERRNO.EEXIST
  if (old.type !== base.type || old.hook !== base.hook || old.priority !== base.priority) return ERRNO.EEXIST
  // The policy is the one thing that can be changed.
  table.chains.set(header.name, { ...before, header: { ...before.header, base } })
  return 0
}

/** Its rules go with it; what leads to it is in the way. */
function deleteChain(table: FakeTable, name: string): Errno {
  if (!table.chains.has(name)) return ERRNO.ENOENT
  const leads = (verdict: NftVerdict | undefined): boolean =>
    verdict !== undefined && 'chain' in verdict && verdict.chain === name
  const fromRules = [...table.chains.values()].some(({ rules }) => rules.some((rule) => verdictsOf(rule).some(leads)))
  const fromMaps = [...table.sets.values()].some(({ elements }) =>
    [...elements.values()].some(({ data }) => data !== undefined && 'verdict' in data && leads(data)),
  )
  if (fromRules || fromMaps) return ERRNO.EBUSY
  table.chains.delete(name)
  return 0
}

function addRule(table: FakeTable, change: NftChange & { readonly change: 'add-rule' | 'insert-rule' }): Errno {
  const rule = normalizeRule(change.rule)
  // A rule's own maps are made before it is looked at.
  for (const statement of rule.statements) {
    if (statement.kind !== 'vmap') continue
    for (const verdict of verdictsOf({ statements: [statement] })) {
      const errno = checkVerdict(table, verdict)
      if (errno !== 0) return errno
    }
  }
  const chain = table.chains.get(change.chain)
  if (chain === undefined) return ERRNO.ENOENT
  for (const statement of rule.statements) {
    const errno = checkStatement(table, statement)
    if (errno !== 0) return errno
  }
  if (change.change === 'add-rule') chain.rules.push(rule)
  else chain.rules.unshift(rule)
  return 0
}

function checkStatement(table: FakeTable, statement: NftStatement): Errno {
  for (const reference of referencesOf(statement)) {
    const set = table.sets.get(reference.name)
    if (set === undefined) return ERRNO.ENOENT
    // The kernel only sees to it that as many registers as the set's key needs have been filled.
    if (wordsOf(reference.key) < wordsOf(set.header.key)) return ERRNO.EINVAL
    const { data } = set.header
    if (reference.answer === 'verdict' && data !== 'verdict') return ERRNO.EINVAL
    if (reference.answer === 'update' && !updatable(set.header)) return ERRNO.EOPNOTSUPP
    if (reference.answer === 'value' && (data === undefined || data === 'verdict')) return ERRNO.EINVAL
  }
  for (const verdict of verdictsOf({ statements: [statement] })) {
    const errno = checkVerdict(table, verdict)
    if (errno !== 0) return errno
  }
  return 0
}

function wordsOf(types: Reference['key']): number {
  return types.reduce((sum, type) => sum + widthOf(type), 0)
}

function updatable({ flags = [], data }: NftSetHeader): boolean {
  return flags.includes('dynamic') && data === undefined
}

function checkVerdict(table: FakeTable, verdict: NftVerdict): Errno {
  if (!('chain' in verdict)) return 0
  const chain = table.chains.get(verdict.chain)
  if (chain === undefined) return ERRNO.ENOENT
  return chain.header.base === undefined ? 0 : ERRNO.EOPNOTSUPP
}

type Reference = {
  readonly name: string
  readonly key: readonly ValueType[]
  readonly answer: NftLookup['answer'] | 'update'
}

function referencesOf(statement: NftStatement): readonly Reference[] {
  if (statement.kind === 'add' || statement.kind === 'update' || statement.kind === 'delete') {
    return [{ name: statement.set, key: statement.key.map(typeOf), answer: 'update' }]
  }
  const asked = lookupOf(statement)
  if (asked === undefined || !('name' in asked.set)) return []
  return [{ name: asked.set.name, key: asked.key.map(typeOf), answer: asked.answer }]
}

/** Of rules and of the elements of their own maps. */
export function verdictsOf(rule: Pick<NftRule, 'statements'>): readonly NftVerdict[] {
  return rule.statements.flatMap((statement): readonly NftVerdict[] => {
    if (statement.kind === 'verdict') return [statement]
    if (statement.kind !== 'vmap' || 'name' in statement.map) return []
    return statement.map.elements.flatMap(({ data }) => (data !== undefined && 'verdict' in data ? [data] : []))
  })
}

function addSet(table: FakeTable, header: NftSetHeader): Errno {
  const before = table.sets.get(header.name)
  if (before === undefined) {
    table.sets.set(header.name, { header, elements: new Map() })
    return 0
  }
  const shape = ({ key, data, flags }: NftSetHeader): string => JSON.stringify([key, data, [...(flags ?? [])].sort()])
  if (shape(before.header) !== shape(header)) return ERRNO.EEXIST
  // NFT-15: the time of new elements follows.
  const timeout = header.timeout === undefined ? {} : { timeout: header.timeout }
  table.sets.set(header.name, { ...before, header: { ...before.header, ...timeout } })
  return 0
}

function deleteSet(table: FakeTable, name: string): Errno {
  if (!table.sets.has(name)) return ERRNO.ENOENT
  const used = [...table.chains.values()].some(({ rules }) =>
    rules.some(({ statements }) => statements.some((one) => referencesOf(one).some((set) => set.name === name))),
  )
  if (used) return ERRNO.EBUSY
  table.sets.delete(name)
  return 0
}

type At = { readonly table: FakeTable; readonly set: FakeSet }

function eachElement(
  table: FakeTable,
  change: NftChange & { readonly change: 'add-elements' | 'delete-elements' },
  visit: (at: At, element: NftElement) => Errno,
): Errno {
  if (change.elements.length === 0) return 0
  const set = table.sets.get(change.set.name)
  if (set === undefined) return ERRNO.ENOENT
  for (const element of change.elements) {
    const errno = visit({ table, set }, element)
    if (errno !== 0) return errno
  }
  return 0
}

function intervalsOf({ header }: FakeSet, { key }: NftElement): readonly Interval[] {
  return key.map((text, at) => parseInterval(header.key[at] ?? 'mark', text) ?? { from: 0n, to: 0n })
}

function keyOf(set: FakeSet, element: NftElement): string {
  return intervalsOf(set, element)
    .map(({ from, to }) => `${from}-${to}`)
    .join()
}

function addElement({ table, set }: At, element: NftElement): Errno {
  const { data } = element
  if (data !== undefined && 'verdict' in data) {
    const errno = checkVerdict(table, data)
    if (errno !== 0) return errno
  }
  const key = keyOf(set, element)
  const before = set.elements.get(key)
  if (before !== undefined) return JSON.stringify(before.data) === JSON.stringify(data) ? 0 : ERRNO.EEXIST
  if (set.header.flags?.includes('interval') === true && overlaps(set, element)) return ERRNO.EEXIST
  if (set.header.size !== undefined && set.elements.size >= set.header.size) return ERRNO.ENFILE
  set.elements.set(key, element)
  return 0
}

function overlaps(set: FakeSet, element: NftElement): boolean {
  const mine = intervalsOf(set, element)
  return [...set.elements.values()].some((other) =>
    intervalsOf(set, other).every(({ from, to }, at) => {
      const field = mine[at]
      return field !== undefined && from <= field.to && field.from <= to
    }),
  )
}

function deleteElement({ set }: At, element: NftElement): Errno {
  return set.elements.delete(keyOf(set, element)) ? 0 : ERRNO.ENOENT
}

export function toSet({ header, elements }: FakeSet): NftSet {
  return { ...header, elements: [...elements.values()] }
}
