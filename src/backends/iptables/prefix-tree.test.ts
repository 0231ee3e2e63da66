import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { TreeEntry, TreeNode } from './prefix-tree.ts'
import { entriesOf, LEAF_LIMIT, plant, ROOT_LIMIT, withEntry, withoutEntry } from './prefix-tree.ts'

const entry = (key: number, text: number): TreeEntry => ({
  key: key.toString(4).padStart(6, '0'),
  text: `${key}-${text}`,
})

/** Dense and far apart, with several entries on some keys. */
const entries = fc
  .tuple(fc.oneof(fc.nat(63), fc.nat(4095), fc.constantFrom(7, 4000)), fc.nat(2))
  .map(([key, text]) => entry(key, text))

type Shape = { readonly prefix: string; readonly children: readonly (Shape | undefined)[] } | readonly string[]

function shapeOf(node: TreeNode<TreeEntry> | undefined): Shape | undefined {
  if (node === undefined) return undefined
  if (node.kind === 'leaf') return [...node.entries.keys()].sort()
  return { prefix: node.prefix, children: node.children.map(shapeOf) }
}

test('the shape depends on the set of entries alone, however it came about', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), entries), { maxLength: 150 }), (steps) => {
      const held = new Map<string, TreeEntry>()
      let tree: TreeNode<TreeEntry> | undefined
      for (const [add, each] of steps) {
        if (add) held.set(each.text, each)
        else held.delete(each.text)
        tree = add ? withEntry(tree, each) : withoutEntry(tree, each)
      }
      assert.deepEqual(shapeOf(tree), shapeOf(plant(held.values())))
      assert.deepEqual([...entriesOf(tree)].map(({ text }) => text).sort(), [...held.keys()].sort())
    }),
    { numRuns: 200, seed: 15 },
  )
})

test('emptied from full, every tree on the way is the planted one', () => {
  const all = Array.from({ length: 80 }, (_, index) => entry((index * 37) % 4096, 0))
  let tree = plant(all)
  for (const [index, each] of all.entries()) {
    tree = withoutEntry(tree, each)
    assert.deepEqual(shapeOf(tree), shapeOf(plant(all.slice(index + 1))))
  }
  assert.equal(tree, undefined)
})

test('no leaf holds more than its limit, except entries of one key', () => {
  const walk = (node: TreeNode<TreeEntry> | undefined, limit: number): void => {
    if (node?.kind === 'branch') for (const child of node.children) walk(child, LEAF_LIMIT)
    else if (node !== undefined && node.size > limit) {
      assert.equal(new Set([...node.entries.values()].map(({ key }) => key)).size, 1)
    }
  }
  const many = Array.from({ length: 3000 }, (_, index) => entry(index % 1000, index))
  const tree = plant([...many, ...Array.from({ length: 30 }, (_, index) => entry(4095, index))])
  walk(tree, ROOT_LIMIT)
  assert.equal(tree?.size, 3030)
})

test('a change shares what it does not touch', () => {
  const before = plant(Array.from({ length: 1000 }, (_, index) => entry(index, 0)))
  const after = withEntry(before, entry(500, 1))
  assert.ok(before?.kind === 'branch' && after.kind === 'branch')
  const same = before.children.filter((child, digit) => child !== undefined && child === after.children[digit]).length
  assert.ok(same >= 2)
  assert.equal(withoutEntry(before, entry(4095, 9)), before)
})
