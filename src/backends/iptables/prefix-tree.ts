/**
 * Entries found by the digits of their key (base 4): a path-compressed tree whose shape depends on the set of its entries
 * alone, never on the order they came in. So what is changed step by step equals what is planted whole.
 *
 * A value: a change makes a new tree that shares every untouched part with the old one, which is how the difference of two
 * trees is found without walking them.
 */
export type TreeEntry = {
  /** All of one tree have keys of one length. */
  readonly key: string
  /** Identity. */
  readonly text: string
}

export type Leaf<E> = { readonly kind: 'leaf'; readonly size: number; readonly entries: ReadonlyMap<string, E> }

export type Branch<E> = {
  readonly kind: 'branch'
  readonly size: number
  /** What the keys of all its entries have in common. */
  readonly prefix: string
  /** By the digit that follows the prefix; at least two. */
  readonly children: readonly (TreeNode<E> | undefined)[]
}

export type TreeNode<E> = Leaf<E> | Branch<E>

/** Entries that are looked through one by one: up to so many the root stays flat, and up to so many a leaf. */
export const ROOT_LIMIT = 16
export const LEAF_LIMIT = 8

const DIGITS = 4

export function plant<E extends TreeEntry>(entries: Iterable<E>, limit = ROOT_LIMIT): TreeNode<E> | undefined {
  const sorted = [...entries].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return sorted.length === 0 ? undefined : plantSorted(sorted, limit)
}

export function withEntry<E extends TreeEntry>(
  node: TreeNode<E> | undefined,
  entry: E,
  limit = ROOT_LIMIT,
): TreeNode<E> {
  if (node === undefined) return leafOf([entry])
  if (node.kind === 'leaf') {
    return plant(new Map([...node.entries, [entry.text, entry]]).values(), limit) ?? leafOf([entry])
  }
  const { prefix } = node
  const common = commonPrefix(prefix, entry.key)
  if (common.length < prefix.length) {
    const both = [
      [digitAt(prefix, common.length), node],
      [digitAt(entry.key, common.length), leafOf([entry])],
    ] as const
    return branchOf(common, new Map<number, TreeNode<E>>(both))
  }
  const digit = digitAt(entry.key, prefix.length)
  return replaceChild(node, digit, withEntry(node.children[digit], entry, LEAF_LIMIT))
}

/** The same tree if it has no such entry. */
export function withoutEntry<E extends TreeEntry>(
  node: TreeNode<E> | undefined,
  entry: E,
  limit = ROOT_LIMIT,
): TreeNode<E> | undefined {
  if (node === undefined) return undefined
  if (node.kind === 'leaf') {
    if (!node.entries.has(entry.text)) return node
    const left = [...node.entries.values()].filter(({ text }) => text !== entry.text)
    return left.length === 0 ? undefined : leafOf(left)
  }
  if (!entry.key.startsWith(node.prefix)) return node
  const digit = digitAt(entry.key, node.prefix.length)
  const before = node.children[digit]
  const after = withoutEntry(before, entry, LEAF_LIMIT)
  if (after === before) return node
  const next = replaceChild(node, digit, after)
  if (next.size <= limit) return leafOf([...entriesOf(next)])
  const left = next.children.filter((child) => child !== undefined)
  return left.length === 1 ? left[0] : next
}

export function* entriesOf<E>(node: TreeNode<E> | undefined): Generator<E> {
  if (node === undefined) return
  if (node.kind === 'leaf') yield* node.entries.values()
  else for (const child of node.children) yield* entriesOf(child)
}

function plantSorted<E extends TreeEntry>(sorted: readonly E[], limit: number): TreeNode<E> {
  const first = sorted[0]?.key ?? ''
  const prefix = commonPrefix(first, sorted.at(-1)?.key ?? '')
  if (sorted.length <= limit || prefix.length === first.length) return leafOf(sorted)
  const groups = Array.from({ length: DIGITS }, (): E[] => [])
  for (const entry of sorted) groups[digitAt(entry.key, prefix.length)]?.push(entry)
  const filled = [...groups.entries()].filter(([, group]) => group.length > 0)
  return branchOf(prefix, new Map(filled.map(([digit, group]) => [digit, plantSorted(group, LEAF_LIMIT)])))
}

function leafOf<E extends TreeEntry>(entries: readonly E[]): Leaf<E> {
  const map = new Map(entries.map((entry) => [entry.text, entry]))
  return { kind: 'leaf', size: map.size, entries: map }
}

function branchOf<E>(prefix: string, children: ReadonlyMap<number, TreeNode<E>>): Branch<E> {
  const list = Array.from({ length: DIGITS }, (_, digit) => children.get(digit))
  return { kind: 'branch', size: list.reduce((sum, child) => sum + (child?.size ?? 0), 0), prefix, children: list }
}

function replaceChild<E>(node: Branch<E>, digit: number, child: TreeNode<E> | undefined): Branch<E> {
  const size = node.size - (node.children[digit]?.size ?? 0) + (child?.size ?? 0)
  return { ...node, size, children: node.children.with(digit, child) }
}

function commonPrefix(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return a.slice(0, length)
}

export function digitAt(key: string, index: number): number {
  return key.charCodeAt(index) - 48
}
