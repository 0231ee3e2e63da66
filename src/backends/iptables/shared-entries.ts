/**
 * Where services' rules go in the chains that all services share. The only place that knows.
 *
 * Up to ROOT_LIMIT of them stand in the shared chain itself, as kube-proxy has them. More are found through a tree of
 * chains, each for one prefix of the key (destination address, or protocol and port): a packet looks at O(log n) rules,
 * and one that is for none of the services leaves at the first prefixes. In each of these chains order means nothing,
 * except that the shared chain's tail (the node-port jump) stays last; new rules go to the top.
 */
import type { FragmentChange } from '#backends/shared'
import { compareText } from '#lib'
import type { Rule } from '#rulesets/iptables'
import { printRule } from '#rulesets/iptables'
import type { Keying } from './prefix-chains.ts'
import { keyingOf } from './prefix-chains.ts'
import type { Branch, TreeNode } from './prefix-tree.ts'
import { digitAt, entriesOf, plant, withEntry, withoutEntry } from './prefix-tree.ts'
import type { ChainAddress, Entry, Fragment, Program } from './program.ts'

/** A line of a chain. */
export type Item = { readonly text: string; readonly rule: Rule }

type SharedEntry = Item & { readonly key: string; readonly service: string; readonly index: number }

type SharedChain = ChainAddress & {
  /** Entries without a key. */
  readonly loose: ReadonlyMap<string, SharedEntry>
  readonly tree: TreeNode<SharedEntry> | undefined
}

/** All services' entries, by table and shared chain. A value: changing it makes another. */
export type SharedEntries = { readonly family: Program['family']; readonly chains: ReadonlyMap<string, SharedChain> }

/** What one chain holds before its tail, in any order; undefined: there is no such chain. */
export type ChainChange = ChainAddress & { readonly before?: readonly Item[]; readonly after?: readonly Item[] }

export function noEntries(family: Program['family']): SharedEntries {
  return { family, chains: new Map() }
}

export function entriesOfProgram({ family, services }: Program): SharedEntries {
  const gathered = new Map<string, { at: ChainAddress; entries: SharedEntry[] }>()
  for (const [service, { entries }] of services) {
    for (const [index, entry] of entries.entries()) {
      const id = idOf(entry)
      const group = gathered.get(id) ?? { at: entry, entries: [] }
      group.entries.push(read(entry, { service, index }, keyingOf(entry.chain, family)))
      gathered.set(id, group)
    }
  }
  const chains = new Map<string, SharedChain>()
  for (const [id, { at, entries }] of gathered) {
    // One rule a text, or the tree would count it twice.
    const unique = [...new Map(entries.map((entry) => [entry.text, entry])).values()]
    chains.set(id, {
      table: at.table,
      chain: at.chain,
      loose: new Map(unique.filter(({ key }) => key === '').map((entry) => [entry.text, entry])),
      tree: plant(unique.filter(({ key }) => key !== '')),
    })
  }
  return { family, chains }
}

/** Costs what the changes name. */
export function changeEntries(held: SharedEntries, changes: readonly FragmentChange<Fragment>[]): SharedEntries {
  const chains = new Map(held.chains)
  for (const { key: service, before, after } of changes) {
    const old = entriesByText(before, service, held.family)
    const next = entriesByText(after, service, held.family)
    for (const [id, { at, entry }] of old) {
      if (!next.has(id)) chains.set(idOf(at), without(chainAt(chains, at), entry))
    }
    for (const [id, { at, entry }] of next) {
      if (!old.has(id)) chains.set(idOf(at), including(chainAt(chains, at), entry))
    }
  }
  return { family: held.family, chains }
}

/** Every chain whose content differs; what two values share is not looked at. */
export function entryDifference(before: SharedEntries, after: SharedEntries): ChainChange[] {
  const changes: ChainChange[] = []
  for (const [id, next] of after.chains) {
    const old = before.chains.get(id) ?? { ...next, loose: new Map(), tree: undefined }
    if (old !== next) changes.push(...chainDifference(old, next, keyingOf(next.chain, after.family)))
  }
  return changes
}

export type SharedChainRules = ChainAddress & { readonly items: readonly Item[]; readonly tail: readonly Rule[] }

/** What the shared chains and the chains of their trees hold after a fresh render. */
export function sharedChains(program: Program): SharedChainRules[] {
  const { family, chains } = entriesOfProgram(program)
  return program.static.shared.flatMap(({ table, chain, tail }): SharedChainRules[] => {
    const held = chains.get(idOf({ table, chain }))
    if (held === undefined) return [{ table, chain, items: [], tail }]
    const keying = keyingOf(chain, family)
    const root = { table, chain, items: rootItems(held, keying), tail }
    const none: SharedChain = { table, chain, loose: new Map(), tree: undefined }
    const below = chainDifference(none, held, keying).filter((change) => change.chain !== chain)
    return [root, ...below.map((change) => ({ table, chain: change.chain, items: change.after ?? [], tail: [] }))]
  })
}

/** One node of a tree in its place; the root's rules stand in the shared chain. */
type Place = { readonly node: TreeNode<SharedEntry>; readonly chain: string; readonly root: boolean }

type Found = { readonly before: Map<string, readonly Item[]>; readonly after: Map<string, readonly Item[]> }

function chainDifference(old: SharedChain, next: SharedChain, keying: Keying): ChainChange[] {
  const { table, chain } = next
  const found: Found = { before: new Map(), after: new Map() }
  const place = (tree: SharedChain['tree']): Place | undefined =>
    tree === undefined ? undefined : { node: tree, chain, root: true }
  compare(place(old.tree), place(next.tree), { keying, found })
  const root: ChainChange = { table, chain, before: rootItems(old, keying), after: rootItems(next, keying) }
  const names = new Set([...found.before.keys(), ...found.after.keys()])
  const below = [...names].map((name): ChainChange => {
    const [before, after] = [found.before.get(name), found.after.get(name)]
    return {
      table,
      chain: name,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    }
  })
  return [root, ...below]
}

type Comparison = { readonly keying: Keying; readonly found: Found }

function compare(a: Place | undefined, b: Place | undefined, context: Comparison): void {
  const { keying, found } = context
  if (a !== undefined && b !== undefined) {
    if (a.node === b.node && a.chain === b.chain) return
    if (a.node.kind === 'branch' && b.node.kind === 'branch' && a.node.prefix !== b.node.prefix) {
      compareApart(a, b, context)
      return
    }
  }
  if (a !== undefined && !a.root) found.before.set(a.chain, itemsOf(a.node, keying))
  if (b !== undefined && !b.root) found.after.set(b.chain, itemsOf(b.node, keying))
  const [left, right] = [childrenOf(a?.node, keying), childrenOf(b?.node, keying)]
  for (const digit of new Set([...left.keys(), ...right.keys()])) compare(left.get(digit), right.get(digit), context)
}

/** One may have become a part of the other: a new branch above it, or the end of one. */
function compareApart(a: Place, b: Place, context: Comparison): void {
  const { keying, found } = context
  const [prefixA, prefixB] = [prefixOf(a.node), prefixOf(b.node)]
  if (prefixA.startsWith(prefixB)) {
    if (!b.root) found.after.set(b.chain, itemsOf(b.node, keying))
    const inside = digitAt(prefixA, prefixB.length)
    const children = childrenOf(b.node, keying)
    if (!children.has(inside)) compare(a, undefined, context)
    for (const [digit, child] of children) compare(digit === inside ? a : undefined, child, context)
  } else if (prefixB.startsWith(prefixA)) {
    if (!a.root) found.before.set(a.chain, itemsOf(a.node, keying))
    const inside = digitAt(prefixB, prefixA.length)
    const children = childrenOf(a.node, keying)
    if (!children.has(inside)) compare(undefined, b, context)
    for (const [digit, child] of children) compare(child, digit === inside ? b : undefined, context)
  } else {
    compare(a, undefined, context)
    compare(undefined, b, context)
  }
}

function prefixOf(node: TreeNode<SharedEntry>): string {
  return node.kind === 'branch' ? node.prefix : ''
}

function childrenOf(node: TreeNode<SharedEntry> | undefined, keying: Keying): Map<number, Place> {
  const places = new Map<number, Place>()
  if (node?.kind !== 'branch') return places
  for (const [digit, child] of node.children.entries()) {
    if (child === undefined) continue
    places.set(digit, { node: child, chain: keying.nameOf(prefixBelow(node, digit, child)), root: false })
  }
  return places
}

/** A branch is looked up by all that its entries share; a leaf by its digit alone, so that it keeps its name. */
function prefixBelow(node: Branch<SharedEntry>, digit: number, child: TreeNode<SharedEntry>): string {
  return child.kind === 'branch' ? child.prefix : `${node.prefix}${digit}`
}

function itemsOf(node: TreeNode<SharedEntry>, keying: Keying): readonly Item[] {
  // Back to the shared chain in one step: prefixes exclude each other, so nothing is left to look at in between.
  return node.kind === 'leaf' ? inOrder(node.entries.values()) : lookups(node, keying, 'goto')
}

function rootItems({ loose, tree }: SharedChain, keying: Keying): readonly Item[] {
  if (tree?.kind !== 'branch') return inOrder([...loose.values(), ...entriesOf(tree)])
  return [...inOrder(loose.values()), ...lookups(tree, keying, 'jump')]
}

function lookups(node: Branch<SharedEntry>, keying: Keying, kind: 'jump' | 'goto'): Item[] {
  return [...childrenOf(node, keying)].map(([digit, { node: child, chain }]) => {
    const rule: Rule = { matches: keying.matchesOf(prefixBelow(node, digit, child)), target: { kind, chain } }
    return { rule, text: printRule(rule) }
  })
}

function inOrder(entries: Iterable<SharedEntry>): SharedEntry[] {
  return [...entries].sort((a, b) => compareText(a.service, b.service) || a.index - b.index)
}

function idOf({ table, chain }: ChainAddress): string {
  return `${table} ${chain}`
}

function read(entry: Entry, from: { readonly service: string; readonly index: number }, keying: Keying): SharedEntry {
  return { text: printRule(entry.rule), rule: entry.rule, key: keying.keyOf(entry.rule) ?? '', ...from }
}

type PlacedEntry = { readonly at: ChainAddress; readonly entry: SharedEntry }

function entriesByText(
  fragment: Fragment | undefined,
  service: string,
  family: Program['family'],
): Map<string, PlacedEntry> {
  const entries = (fragment?.entries ?? []).map((entry, index): [string, PlacedEntry] => {
    const made = read(entry, { service, index }, keyingOf(entry.chain, family))
    return [`${idOf(entry)} ${made.text}`, { at: { table: entry.table, chain: entry.chain }, entry: made }]
  })
  return new Map(entries)
}

function chainAt(chains: ReadonlyMap<string, SharedChain>, { table, chain }: ChainAddress): SharedChain {
  return chains.get(idOf({ table, chain })) ?? { table, chain, loose: new Map(), tree: undefined }
}

function including(held: SharedChain, entry: SharedEntry): SharedChain {
  return entry.key === ''
    ? { ...held, loose: new Map([...held.loose, [entry.text, entry]]) }
    : { ...held, tree: withEntry(held.tree, entry) }
}

function without(held: SharedChain, entry: SharedEntry): SharedChain {
  if (entry.key !== '') return { ...held, tree: withoutEntry(held.tree, entry) }
  const loose = new Map(held.loose)
  loose.delete(entry.text)
  return { ...held, loose }
}
