/** A transaction as one run of messages: begin, the changes in order, end. */
import { SignalboxError } from '#lib'
import type { NftChange, NftFamily, NftLookup, NftStatement } from '#rulesets/nftables'
import { addressFamilyOf, lookupOf, normalizeRule, parseValue, typeOf } from '#rulesets/nftables'

import { encodeRule } from './encode-expressions.ts'
import { encodeElements, encodeSet, type SetShape } from './encode-sets.ts'
import { MessageWriter } from './message-writer.ts'
import { BATCH, CHAIN, ELEMENTS, FAMILY, FLAG, HOOK, HOOKS, MSG, RULE, SET, TABLE } from './nft-constants.ts'
import { encodeComment } from './userdata.ts'
import type { SetTypes } from './userdata.ts'

export type EncodedBatch = {
  readonly data: Uint8Array
  readonly messages: number
  /** Which change a message belongs to, by the message's sequence number; -1 for the frame around them. */
  readonly changeOf: (sequence: number) => number
}

export type BatchInput = {
  readonly family: NftFamily
  readonly table: string
  readonly changes: readonly NftChange[]
  readonly generation?: number
}

type Encoder = {
  readonly writer: MessageWriter
  readonly input: BatchInput
  /** Begins a message of the current change. */
  readonly begin: (type: number, flags?: number) => number
  readonly nextId: () => number
}

export function encodeBatch(input: BatchInput): EncodedBatch {
  const writer = new MessageWriter()
  const family = FAMILY[input.family]
  /** First sequence number of each change. */
  const starts: number[] = []
  let sequence = 0
  let lastId = 0
  const frame = (type: number): void => {
    const flags = FLAG.request
    const start = writer.beginMessage({ type, flags, sequence, family: 0, resource: BATCH.subsystem })
    if (type === BATCH.begin && input.generation !== undefined) writer.u32(BATCH.generation, input.generation)
    writer.endMessage(start)
    sequence += 1
  }
  const encoder: Encoder = {
    writer,
    input,
    begin: (type, flags = 0) => {
      const start = writer.beginMessage({ type, flags: FLAG.request | flags, sequence, family })
      sequence += 1
      return start
    },
    nextId: () => {
      lastId += 1
      return lastId
    },
  }
  frame(BATCH.begin)
  for (const [index, change] of input.changes.entries()) {
    starts.push(sequence)
    try {
      encodeChange(encoder, change)
    } catch (error) {
      throw nameChange(error, { index, change })
    }
  }
  const end = sequence
  frame(BATCH.end)
  const changeOf = (asked: number): number => (asked >= end ? -1 : starts.findLastIndex((start) => start <= asked))
  return { data: writer.data, messages: sequence, changeOf }
}

function nameChange(
  error: unknown,
  { index, change }: { readonly index: number; readonly change: NftChange },
): unknown {
  if (!(error instanceof SignalboxError)) return error
  return new SignalboxError(error.code, `${describeChange(change)}: ${error.message}`, {
    facts: { object: describeChange(change), ...error.facts, change: index },
    cause: error,
  })
}

/** In words, for messages. */
export function describeChange(change: NftChange): string {
  switch (change.change) {
    case 'add-table':
    case 'delete-table':
      return 'table'
    case 'add-chain':
      return `chain ${change.chain.name}`
    case 'delete-chain':
    case 'flush-chain':
      return `chain ${change.name}`
    case 'add-rule':
    case 'insert-rule':
      return `rule of chain ${change.chain}`
    case 'add-set':
      return `set ${change.set.name}`
    case 'delete-set':
    case 'flush-set':
      return `set ${change.name}`
    case 'add-elements':
    case 'delete-elements': {
      const [only] = change.elements
      return change.elements.length === 1 && only !== undefined
        ? `element ${only.key.join(' . ')} of set ${change.set.name}`
        : `elements of set ${change.set.name}`
    }
  }
}

function encodeChange(encoder: Encoder, change: NftChange): void {
  const { writer, input, begin } = encoder
  const named = (type: number, attributes: readonly (readonly [number, string])[]): void => {
    const start = begin(type)
    for (const [attribute, text] of attributes) writer.text(attribute, text)
    writer.endMessage(start)
  }
  switch (change.change) {
    case 'add-table': {
      const start = begin(MSG.newTable, FLAG.create)
      writer.text(TABLE.name, input.table)
      writer.u32(TABLE.flags, 0)
      if (change.comment !== undefined) writer.bytes(TABLE.userdata, encodeComment(change.comment))
      writer.endMessage(start)
      return
    }
    case 'delete-table':
      named(MSG.delTable, [[TABLE.name, input.table]])
      return
    case 'add-chain':
      encodeChain(encoder, change)
      return
    case 'delete-chain':
      named(MSG.delChain, [
        [CHAIN.table, input.table],
        [CHAIN.name, change.name],
      ])
      return
    case 'flush-chain':
      named(MSG.delRule, [
        [RULE.table, input.table],
        [RULE.chain, change.name],
      ])
      return
    case 'add-rule':
    case 'insert-rule':
      encodeRuleMessage(encoder, change)
      return
    case 'add-set': {
      const start = begin(MSG.newSet, FLAG.create)
      encodeSet(writer, input.table, { ...change.set, id: encoder.nextId() })
      writer.endMessage(start)
      return
    }
    case 'delete-set':
      named(MSG.delSet, [
        [SET.table, input.table],
        [SET.name, change.name],
      ])
      return
    case 'flush-set':
      named(MSG.delElements, [
        [ELEMENTS.table, input.table],
        [ELEMENTS.set, change.name],
      ])
      return
    case 'add-elements':
    case 'delete-elements': {
      const adds = change.change === 'add-elements'
      encodeElements(
        writer,
        { ...change.set, id: 0 },
        {
          begin: () => begin(adds ? MSG.newElements : MSG.delElements, adds ? FLAG.create : 0),
          table: input.table,
          withData: adds,
          elements: change.elements,
        },
      )
    }
  }
}

function encodeChain(encoder: Encoder, { chain }: NftChange & { readonly change: 'add-chain' }): void {
  const { writer, input } = encoder
  const start = encoder.begin(MSG.newChain, FLAG.create)
  writer.text(CHAIN.table, input.table)
  writer.text(CHAIN.name, chain.name)
  if (chain.base !== undefined) {
    const { type, hook, priority, policy } = chain.base
    writer.text(CHAIN.type, type)
    writer.u32(CHAIN.policy, policy === 'accept' ? 1 : 0)
    const nest = writer.beginNest(CHAIN.hook)
    writer.u32(HOOK.number, HOOKS.indexOf(hook))
    writer.u32(HOOK.priority, priority)
    writer.endNest(nest)
  }
  if (chain.comment !== undefined) writer.bytes(CHAIN.userdata, encodeComment(chain.comment))
  writer.endMessage(start)
}

function encodeRuleMessage(
  encoder: Encoder,
  change: NftChange & { readonly change: 'add-rule' | 'insert-rule' },
): void {
  const { writer, input } = encoder
  const rule = normalizeRule(change.rule)
  const own = new Map<NftStatement, SetShape>()
  for (const statement of rule.statements) {
    const set = anonymousSet(statement, encoder)
    if (set !== undefined) own.set(statement, set)
  }
  const anonymous = (statement: NftStatement): SetShape => {
    const set = own.get(statement)
    if (set === undefined) throw new SignalboxError('SBX_NFT_REJECTED', 'a set of the rule itself has no elements')
    return set
  }
  const start = encoder.begin(MSG.newRule, FLAG.create | (change.change === 'add-rule' ? FLAG.append : 0))
  writer.text(RULE.table, input.table)
  writer.text(RULE.chain, change.chain)
  const list = writer.beginNest(RULE.expressions)
  encodeRule(rule, { writer, family: input.family, anonymous })
  writer.endNest(list)
  if (rule.comment !== undefined) writer.bytes(RULE.userdata, encodeComment(rule.comment))
  writer.endMessage(start)
}

function anonymousSet(statement: NftStatement, encoder: Encoder): SetShape | undefined {
  const { writer, input } = encoder
  const asked = lookupOf(statement)
  if (asked === undefined || 'name' in asked.set || asked.set.elements.length === 0) return undefined
  const { elements } = asked.set
  const key = asked.key.map(typeOf)
  const plain = elements.every((element) =>
    element.key.every((text, at) => parseValue(key[at] ?? 'mark', text) !== undefined),
  )
  const data = dataOf(asked, statement, input.family)
  const set: SetShape = {
    name: data === undefined ? '__set%d' : '__map%d',
    id: encoder.nextId(),
    anonymous: true,
    key,
    ...(data === undefined ? {} : { data }),
    flags: plain ? ['constant'] : ['constant', 'interval'],
  }
  const start = encoder.begin(MSG.newSet, FLAG.create)
  encodeSet(writer, input.table, set)
  writer.endMessage(start)
  encodeElements(writer, set, {
    begin: () => encoder.begin(MSG.newElements, FLAG.create),
    table: input.table,
    withData: true,
    elements,
  })
  return set
}

function dataOf({ answer, key }: NftLookup, statement: NftStatement, family: NftFamily): SetTypes['data'] {
  if (answer === 'none') return undefined
  if (answer === 'verdict') return 'verdict'
  const v6 = family === 'ip6' || (family === 'inet' && addressFamilyOf(key) === 'ipv6')
  const address = v6 ? 'ipv6_addr' : 'ipv4_addr'
  const withPort = 'to' in statement && 'map' in statement.to && statement.to.withPort
  return withPort ? [address, 'inet_service'] : [address]
}
