/** A whole table out of the kernel, in a handful of dump requests. */
import { SignalboxError } from '#lib'
import type {
  NftBase,
  NftChain,
  NftChainHeader,
  NftElement,
  NftFamily,
  NftRule,
  NftSet,
  NftTable,
} from '#rulesets/nftables'
import { isDeclarable } from '#rulesets/nftables'

import { decodeRule } from './decode-rule.ts'
import { decodeElements, decodeSet, u32, type DecodedSet } from './decode-sets.ts'
import { MessageWriter } from './message-writer.ts'
import { readAttributes, readText, type Attributes } from './messages.ts'
import { CHAIN, ELEMENTS, FAMILY, FLAG, HOOK, HOOKS, MSG, RULE, SET, TABLE } from './nft-constants.ts'
import { nftFailure } from './nft-failure.ts'
import type { NetlinkSocket } from './socket.ts'
import { decodeComment } from './userdata.ts'

/** nfgenmsg in front of the attributes. */
const MESSAGE_HEADER = 4
/** How often a listing that others disturb is begun again. */
const ATTEMPTS = 10
const ENOENT = 2

type Source = { readonly socket: NetlinkSocket; readonly family: NftFamily }

class Disturbed extends SignalboxError {
  constructor(message: string) {
    super('SBX_NFT_BUSY', message)
  }
}

export function listTables({ socket, family }: Source): readonly string[] {
  return undisturbed(() => dump({ socket, family }, MSG.getTable, []).map((found) => textOf(found, TABLE.name)))
}

export function readTable({ socket, family }: Source, table: string): NftTable | undefined {
  return undisturbed(() => readOnce({ socket, family }, table))
}

export function readGeneration(socket: NetlinkSocket): number {
  const writer = new MessageWriter(64)
  const message = writer.beginMessage({ type: MSG.getGeneration, flags: FLAG.request, sequence: 0, family: 0 })
  writer.endMessage(message)
  const [answer] = answersOf(socket, writer.data)
  const generation = answer === undefined ? undefined : u32(answer.get(1))
  if (generation === undefined) throw new SignalboxError('SBX_NFT_REJECTED', 'the kernel does not count generations')
  return generation
}

function undisturbed<Result>(read: () => Result): Result {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof Disturbed) || attempt === ATTEMPTS) throw error
    }
  }
}

function readOnce(source: Source, table: string): NftTable | undefined {
  const { socket, family } = source
  const before = readGeneration(socket)
  const found = dump(source, MSG.getTable, []).find((one) => textOf(one, TABLE.name) === table)
  if (found === undefined) return undefined
  const comment = decodeComment(found.get(TABLE.userdata))
  const sets = new Map<string, DecodedSet>()
  for (const attributes of dump(source, MSG.getSet, [[SET.table, table]])) {
    const set = decodeSet(attributes)
    const elements = readElements(source, table, set)
    sets.set(set.name, { ...set, elements })
  }
  const headers = dump(source, MSG.getChain, [])
    .filter((one) => textOf(one, CHAIN.table) === table)
    .map(decodeChain)
  const rules = new Map<string, NftRule[]>(headers.map(({ name }) => [name, []]))
  for (const attributes of dump(source, MSG.getRule, [[RULE.table, table]])) {
    if (textOf(attributes, RULE.table) !== table) continue
    rules.get(textOf(attributes, RULE.chain))?.push(decodeRule(attributes, { family, sets }))
  }
  // The pieces must be of one and the same state.
  if (readGeneration(socket) !== before) throw new Disturbed('the ruleset changed while it was read')
  const chains = headers.map((header): NftChain => ({ ...header, rules: rules.get(header.name) ?? [] }))
  const named = [...sets.values()].flatMap(({ anonymous, key, ...set }): NftSet[] =>
    anonymous ? [] : [{ ...set, key: key.filter(isDeclarable) }],
  )
  return {
    family,
    name: table,
    ...(comment === undefined ? {} : { comment }),
    sets: new Map(named.map((set) => [set.name, set])),
    chains: new Map(chains.map((chain) => [chain.name, chain])),
  }
}

function decodeChain(attributes: Attributes): NftChainHeader {
  const hook = attributes.get(CHAIN.hook)
  const comment = decodeComment(attributes.get(CHAIN.userdata))
  return {
    name: textOf(attributes, CHAIN.name),
    ...(hook === undefined ? {} : { base: decodeBase(attributes, readAttributes(hook)) }),
    ...(comment === undefined ? {} : { comment }),
  }
}

function decodeBase(attributes: Attributes, hook: Attributes): NftBase {
  const type = textOf(attributes, CHAIN.type)
  return {
    type: type === 'nat' || type === 'route' ? type : 'filter',
    hook: HOOKS[u32(hook.get(HOOK.number)) ?? 0] ?? 'prerouting',
    priority: (u32(hook.get(HOOK.priority)) ?? 0) | 0,
    policy: u32(attributes.get(CHAIN.policy)) === 0 ? 'drop' : 'accept',
  }
}

/**
 * A hash table that has just been filled is still being spread out by a kernel thread, and a listing that runs meanwhile
 * names some elements twice and others not at all. The number is right all the same, so that nothing is missing where
 * nothing is doubled.
 */
function readElements(source: Source, table: string, set: DecodedSet): NftElement[] {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const lists = dump(source, MSG.getElements, [
      [ELEMENTS.table, table],
      [ELEMENTS.set, set.name],
    ])
    const elements = decodeElements(
      set,
      lists.map((attributes) => attributes.get(ELEMENTS.elements) ?? new Uint8Array()),
    )
    if (new Set(elements.map(({ key }) => key.join())).size === elements.length) return elements
  }
  throw new Disturbed(`set ${set.name} does not come to rest`)
}

function dump(
  { socket, family }: Source,
  type: number,
  filter: readonly (readonly [number, string])[],
): readonly Attributes[] {
  const writer = new MessageWriter(512)
  const flags = FLAG.request | FLAG.dump
  const message = writer.beginMessage({ type, flags, sequence: 0, family: FAMILY[family] })
  for (const [attribute, text] of filter) writer.text(attribute, text)
  writer.endMessage(message)
  return answersOf(socket, writer.data)
}

function answersOf(socket: NetlinkSocket, request: Uint8Array): readonly Attributes[] {
  const answers: Attributes[] = []
  for (const message of socket.request(request)) {
    if (message.kind === 'error' && message.errno !== 0) {
      // What was there a moment ago is gone.
      if (message.errno === ENOENT) throw new Disturbed('an object disappeared while it was read')
      throw nftFailure(message, 'read the ruleset')
    }
    if (message.kind !== 'data') continue
    if (message.interrupted) throw new Disturbed('the ruleset changed while it was read')
    answers.push(readAttributes(message.payload.subarray(MESSAGE_HEADER)))
  }
  return answers
}

function textOf(attributes: Attributes, attribute: number): string {
  return readText(attributes.get(attribute) ?? new Uint8Array())
}
