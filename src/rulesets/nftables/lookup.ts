/** Questions to sets and maps. Where a key has a `numgen` in it there are several answers, each with its share. */
import { fraction, type Fraction } from '#lib'

import type { NftElement, NftKeyPart, NftSetReference, NftTable } from './ast.ts'
import { typeOf, type ValueType } from './fields.ts'
import type { Scene } from './flow.ts'
import { readField } from './read-field.ts'
import { parseInterval, printValue, type Interval } from './values.ts'

export type Found = {
  readonly chance: Fraction
  /** Absent: nothing found. */
  readonly hit?: { readonly key: string; readonly element?: NftElement }
}

/** `undefined`: the packet lacks a field, which ends the rule. A text: why it cannot be told. */
export type Lookup = readonly Found[] | undefined | string

const MAX_SLOTS = 65_536

export function lookUp(key: readonly NftKeyPart[], reference: NftSetReference, scene: Scene): Lookup {
  const { table } = scene.place
  const elements = elementsOf(reference, table)
  if (typeof elements === 'string') return elements
  const types = key.map(typeOf)
  const values: (bigint | undefined)[] = []
  let slotAt = -1
  let slots = 1
  for (const [at, part] of key.entries()) {
    if (typeof part !== 'string') {
      if (slotAt >= 0) return 'a key with two random parts'
      slotAt = at
      slots = part.modulus
      values.push(undefined)
      continue
    }
    const value = readField(part, scene)
    if (typeof value !== 'bigint') return value
    values.push(value)
  }
  if (slots < 1 || slots > MAX_SLOTS) return `a random number out of ${slots}`
  const index = indexOf(elements, types)
  if (typeof index === 'string') return index
  const ask = (slot: bigint): Found['hit'] => {
    const asked = values.map((value) => value ?? slot)
    const element = find(index, asked)
    if (element !== undefined) return { key: element.key.join(' . '), element }
    const text = asked.map((value, at) => printValue(types[at] ?? 'mark', value)).join(' . ')
    return hasLearned(reference, text, scene) ? { key: text } : undefined
  }
  if (slotAt < 0) {
    const hit = ask(0n)
    return [{ chance: fraction(1n), ...(hit === undefined ? {} : { hit }) }]
  }
  return shareOut(slots, ask)
}

/** Equal answers are one outcome; nothing found comes last. */
function shareOut(slots: number, ask: (slot: bigint) => Found['hit']): readonly Found[] {
  const answers = new Map<unknown, { hit: Found['hit']; count: number }>()
  for (let slot = 0; slot < slots; slot += 1) {
    const hit = ask(BigInt(slot))
    const same = JSON.stringify(hit?.element?.data ?? hit?.key ?? null)
    const before = answers.get(same)
    if (before === undefined) answers.set(same, { hit, count: 1 })
    else before.count += 1
  }
  return [...answers.values()]
    .toSorted((a, b) => Number(a.hit === undefined) - Number(b.hit === undefined))
    .map(({ hit, count }) => ({ chance: fraction(count, slots), ...(hit === undefined ? {} : { hit }) }))
}

export function learnedKey(table: string, set: string, key: string): string {
  return `${table}\0${set}\0${key}`
}

function hasLearned(reference: NftSetReference, key: string, { flow, place, host }: Scene): boolean {
  if (!('name' in reference)) return false
  const { name } = place.table
  return flow.learned.get(learnedKey(name, reference.name, key)) ?? host.setHas?.(name, reference.name, key) ?? false
}

function elementsOf(reference: NftSetReference, table: NftTable): readonly NftElement[] | string {
  if ('elements' in reference) return reference.elements
  const set = table.sets.get(reference.name)
  if (set === undefined) return `there is no set ${reference.name}`
  return set.key.length === 0 ? `the keys of set ${reference.name} are not understood` : set.elements
}

type Index = {
  readonly exact: ReadonlyMap<string, NftElement>
  readonly ranges: readonly { readonly fields: readonly Interval[]; readonly element: NftElement }[]
}

const indexes = new WeakMap<readonly NftElement[], Index | string>()

/** Made once for each list of elements: a ruleset is asked about many packets. */
function indexOf(elements: readonly NftElement[], types: readonly ValueType[]): Index | string {
  const known = indexes.get(elements)
  if (known !== undefined) return known
  const made = makeIndex(elements, types)
  indexes.set(elements, made)
  return made
}

function makeIndex(elements: readonly NftElement[], types: readonly ValueType[]): Index | string {
  const exact = new Map<string, NftElement>()
  const ranges: Index['ranges'][number][] = []
  for (const element of elements) {
    const fields: Interval[] = []
    for (const [at, text] of element.key.entries()) {
      const field = parseInterval(types[at] ?? 'mark', text)
      if (field === undefined) return `${text} is no ${types[at] ?? 'value'}`
      fields.push(field)
    }
    if (fields.every(({ from, to }) => from === to)) exact.set(fields.map(({ from }) => from).join(), element)
    else ranges.push({ fields, element })
  }
  return { exact, ranges }
}

function find({ exact, ranges }: Index, values: readonly bigint[]): NftElement | undefined {
  const found = exact.get(values.join())
  if (found !== undefined || ranges.length === 0) return found
  return ranges.find(({ fields }) =>
    fields.every(({ from, to }, at) => {
      const value = values[at] ?? -1n
      return value >= from && value <= to
    }),
  )?.element
}
