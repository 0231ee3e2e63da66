/**
 * Rules out of the kernel's expressions: what each register holds is followed through the rule, and a statement is made
 * where it is used. What has no name here ends the understanding of a rule: the rest of it becomes one `other`.
 */
import type {
  NftFamily,
  NftKeyPart,
  NftNatFlag,
  NftRule,
  NftSetReference,
  NftStatement,
  NftTranslation,
  ValueType,
} from '#rulesets/nftables'
import { normalizeRule, printInterval, printValue, typeOf, VALUE_WIDTHS } from '#rulesets/nftables'

import { decodeVerdict, readNumber, u32, u64, valueOf, type DecodedSet } from './decode-sets.ts'
import { widthOf } from './encode-values.ts'
import { findField } from './field-numbers.ts'
import { listAttributes, readAttributes, readText, type Attributes } from './messages.ts'
import { DATA, EXPRESSION, NAT_FLAG, RULE } from './nft-constants.ts'
import { rejectName } from './reject-codes.ts'
import { decodeComment } from './userdata.ts'

export type RuleDecoder = { readonly family: NftFamily; readonly sets: ReadonlyMap<string, DecodedSet> }

type Content =
  | { readonly kind: 'part'; readonly part: NftKeyPart; readonly length?: number; readonly turned?: boolean }
  | { readonly kind: 'masked'; readonly part: NftKeyPart; readonly mask: Uint8Array; readonly xor: Uint8Array }
  | { readonly kind: 'constant'; readonly bytes: Uint8Array }
  | { readonly kind: 'mapped'; readonly key: readonly NftKeyPart[]; readonly map: NftSetReference }

type State = {
  readonly decoder: RuleDecoder
  readonly registers: Map<number, Content>
  readonly statements: NftStatement[]
  /** The lower end of a range whose upper end is next. */
  lower?: { readonly part: NftKeyPart; readonly from: bigint }
}

export function decodeRule(attributes: Attributes, decoder: RuleDecoder): NftRule {
  const state: State = { decoder, registers: new Map(), statements: [] }
  const expressions = listAttributes(attributes.get(RULE.expressions)).map((data) => {
    const { name, data: inner } = nameOf(data)
    return { name, attributes: readAttributes(inner) }
  })
  for (const [index, expression] of expressions.entries()) {
    if (decodeExpression(state, expression.name, expression.attributes)) continue
    const names = expressions.slice(index).map(({ name }) => name)
    state.statements.push({
      kind: 'other',
      text: names.join(' '),
      ...(isTransparent(names) ? { transparent: true } : {}),
    })
    break
  }
  const comment = decodeComment(attributes.get(RULE.userdata))
  return normalizeRule({ statements: state.statements, ...(comment === undefined ? {} : { comment }) })
}

function nameOf(data: Uint8Array): { readonly name: string; readonly data: Uint8Array } {
  const attributes = readAttributes(data)
  return {
    name: readText(attributes.get(EXPRESSION.name) ?? new Uint8Array()),
    data: attributes.get(EXPRESSION.data) ?? new Uint8Array(),
  }
}

function isTransparent(names: readonly string[]): boolean {
  return names.length === 1 && names[0] === 'log'
}

/** Registers are named by words or by groups of four. */
function wordOf(register: number | undefined): number {
  return register === undefined ? -1 : register >= 8 ? register - 8 : (register - 1) * 4
}

function decodeExpression(state: State, name: string, attributes: Attributes): boolean {
  const number = (attribute: number): number | undefined => u32(attributes.get(attribute))
  if (state.lower !== undefined && name !== 'cmp') return false
  switch (name) {
    case 'meta':
    case 'ct':
      if (number(name === 'meta' ? 3 : 4) !== undefined) return decodeSetMark(state, name, number)
      return decodeLoad(state, name, number)
    case 'payload':
    case 'fib':
    case 'numgen':
      return decodeLoad(state, name, number)
    case 'bitwise':
      return decodeBitwise(state, attributes)
    case 'byteorder': {
      const word = wordOf(number(1))
      const content = state.registers.get(word)
      if (content?.kind !== 'part' || word !== wordOf(number(2))) return false
      state.registers.set(word, { ...content, turned: true })
      return true
    }
    case 'cmp':
      return decodeCompare(state, attributes)
    case 'range':
      return decodeRange(state, attributes)
    case 'lookup':
      return decodeLookup(state, attributes)
    case 'immediate':
      return decodeImmediate(state, attributes)
    case 'nat':
      return decodeTranslation(state, number)
    case 'masq':
      if (number(2) !== undefined) return false
      state.statements.push({ kind: 'masquerade', ...natFlags(number(1)) })
      return true
    case 'redir':
      return decodeRedirect(state, number)
    case 'reject': {
      const code = attributes.get(2)?.[0] ?? 0
      const text = rejectName({ type: number(1) ?? 0, code }, state.decoder.family)
      if (text === '?') return false
      state.statements.push({ kind: 'reject', ...(text === undefined ? {} : { with: text }) })
      return true
    }
    case 'dynset':
      return decodeUpdate(state, attributes)
    case 'counter':
      state.statements.push({
        kind: 'counter',
        packets: u64(attributes.get(2)) ?? 0n,
        bytes: u64(attributes.get(1)) ?? 0n,
      })
      return true
    default:
      return false
  }
}

type Numbers = (attribute: number) => number | undefined

function decodeLoad(state: State, name: string, number: Numbers): boolean {
  const found = findField(name, number)
  if (found === undefined) return false
  state.registers.set(wordOf(number(1)), { kind: 'part', ...found })
  return true
}

function decodeSetMark(state: State, name: 'meta' | 'ct', number: Numbers): boolean {
  if (number(2) !== 3) return false
  const content = state.registers.get(wordOf(number(name === 'meta' ? 3 : 4)))
  const field = name === 'meta' ? 'meta mark' : 'ct mark'
  if (content?.kind === 'constant' && content.bytes.length === 4) {
    state.statements.push({ kind: 'set-mark', field, value: Number(readNumber('mark', content.bytes)) })
    return true
  }
  if (content?.kind !== 'part' && content?.kind !== 'masked') return false
  const from = content.part
  if (from !== 'meta mark' && from !== 'ct mark') return false
  if (content.kind === 'part') {
    state.statements.push({ kind: 'set-mark', field, from })
    return true
  }
  const [mask, xor] = [content.mask, content.xor].map((bytes) => Number(readNumber('mark', bytes)))
  const formula = operatorOf(mask ?? 0, xor ?? 0)
  if (formula === undefined) return false
  state.statements.push({ kind: 'set-mark', field, from, ...formula })
  return true
}

function operatorOf(
  mask: number,
  xor: number,
): { readonly operator: 'and' | 'or' | 'xor'; readonly value: number } | undefined {
  if (xor === 0) return { operator: 'and', value: mask }
  if (mask === 0xffffffff) return { operator: 'xor', value: xor }
  return ~mask >>> 0 === xor ? { operator: 'or', value: xor } : undefined
}

function decodeBitwise(state: State, attributes: Attributes): boolean {
  const word = wordOf(u32(attributes.get(1)))
  const content = state.registers.get(word)
  const [mask, xor] = [valueOf(attributes.get(4)), valueOf(attributes.get(5))]
  if (content?.kind !== 'part' || mask === undefined || xor === undefined) return false
  state.registers.set(wordOf(u32(attributes.get(2))), { kind: 'masked', part: content.part, mask, xor })
  return true
}

function decodeCompare(state: State, attributes: Attributes): boolean {
  const content = state.registers.get(wordOf(u32(attributes.get(1))))
  const operator = u32(attributes.get(2)) ?? 0
  const bytes = valueOf(attributes.get(3))
  if (bytes === undefined) return false
  const { lower } = state
  delete state.lower
  if (content?.kind === 'masked') {
    return lower === undefined && operator <= 1 && compareMasked(state, content, { negated: operator === 1, bytes })
  }
  if (content?.kind !== 'part') return false
  const { part } = content
  const type = typeOf(part)
  const value = orderedValue(type, bytes, content.turned)
  if (operator === 5 && lower === undefined) {
    state.lower = { part, from: value }
    return true
  }
  if (operator === 3 && lower?.part === part) {
    return pushMatch(state, part, { value: printRange(type, { from: lower.from, to: value }), negated: false })
  }
  if (operator > 1 || lower !== undefined) return false
  return pushMatch(state, part, { value: comparedText(content, bytes), negated: operator === 1 })
}

function orderedValue(type: ValueType, bytes: Uint8Array, turned = false): bigint {
  return readNumber(turned ? 'ipv6_addr' : type, bytes)
}

/** Never as a prefix: that is compared otherwise. */
function printRange(type: ValueType, { from, to }: { readonly from: bigint; readonly to: bigint }): string {
  return `${printValue(type, from)}-${printValue(type, to)}`
}

function pushMatch(
  { statements }: State,
  field: NftKeyPart,
  { value, negated }: { readonly value: string; readonly negated: boolean },
): true {
  statements.push({ kind: 'match', field, ...(negated ? { negated } : {}), value })
  return true
}

/** Fewer bytes than the field has are a prefix of it. */
function comparedText({ part }: Content & { readonly kind: 'part' }, bytes: Uint8Array): string {
  const type = typeOf(part)
  const width = VALUE_WIDTHS[type]
  if (bytes.length >= width) return printValue(type, readNumber(type, bytes))
  if (type === 'ifname') return `${Buffer.from(bytes).toString('utf8')}*`
  const free = BigInt(8 * (width - bytes.length))
  const from = readNumber(type, bytes) << free
  return printInterval(type, { from, to: from | ((1n << free) - 1n) })
}

function compareMasked(
  state: State,
  { part, mask, xor }: Content & { readonly kind: 'masked' },
  { negated, bytes }: { readonly negated: boolean; readonly bytes: Uint8Array },
): boolean {
  if (xor.some((byte) => byte !== 0)) return false
  const type = typeOf(part)
  const [bits, value] = [readNumber(type, mask), readNumber(type, bytes)]
  if (part === 'meta mark' || part === 'ct mark') {
    const numbers = { mask: Number(bits), value: Number(value) }
    state.statements.push({ kind: 'masked-match', field: part, ...(negated ? { negated } : {}), ...numbers })
    return true
  }
  if (type === 'ct_state' || type === 'ct_status') {
    return value === 0n && negated && pushMatch(state, part, { value: printValue(type, bits), negated: false })
  }
  const full = (1n << BigInt(8 * VALUE_WIDTHS[type])) - 1n
  const text = printInterval(type, { from: value, to: value | (full & ~bits) })
  return /^ipv[46]_addr$/.test(type) && text.includes('/') && pushMatch(state, part, { value: text, negated })
}

function decodeRange(state: State, attributes: Attributes): boolean {
  const content = state.registers.get(wordOf(u32(attributes.get(1))))
  const [from, to] = [valueOf(attributes.get(3)), valueOf(attributes.get(4))]
  if (content?.kind !== 'part' || from === undefined || to === undefined) return false
  const type = typeOf(content.part)
  const ends = {
    from: orderedValue(type, from, content.turned),
    to: orderedValue(type, to, content.turned),
  }
  return pushMatch(state, content.part, { value: printRange(type, ends), negated: u32(attributes.get(2)) === 1 })
}

function decodeLookup(state: State, attributes: Attributes): boolean {
  const name = readText(attributes.get(1) ?? new Uint8Array())
  const set = state.decoder.sets.get(name)
  if (set === undefined) return false
  const key = takeKey(state, wordOf(u32(attributes.get(2))), set)
  if (key === undefined) return false
  const reference: NftSetReference = set.anonymous ? { elements: set.elements } : { name }
  const into = u32(attributes.get(3))
  if (into === 0) state.statements.push({ kind: 'vmap', key, map: reference })
  else if (into === undefined) {
    const negated = ((u32(attributes.get(5)) ?? 0) & 1) !== 0
    state.statements.push({ kind: 'lookup', key, ...(negated ? { negated } : {}), set: reference })
  } else state.registers.set(wordOf(into), { kind: 'mapped', key, map: reference })
  return true
}

/** The fields that lie in the registers from `word` on, as many as the set's key has. */
function takeKey(state: State, word: number, set: DecodedSet): NftKeyPart[] | undefined {
  const key: NftKeyPart[] = []
  let at = word
  for (const type of set.key) {
    const content = state.registers.get(at)
    if (content?.kind !== 'part') return undefined
    key.push(content.part)
    at += widthOf(type)
  }
  return key.length > 0 ? key : undefined
}

function decodeImmediate(state: State, attributes: Attributes): boolean {
  const data = readAttributes(attributes.get(2) ?? new Uint8Array())
  if (u32(attributes.get(1)) !== 0) {
    const bytes = data.get(DATA.value)
    if (bytes === undefined) return false
    state.registers.set(wordOf(u32(attributes.get(1))), { kind: 'constant', bytes })
    return true
  }
  const verdict = decodeVerdict(data.get(DATA.verdict) ?? new Uint8Array())
  if (verdict === undefined) return false
  state.statements.push({ kind: 'verdict', ...verdict })
  return true
}

function decodeTranslation(state: State, number: Numbers): boolean {
  const [first, last, portFirst, portLast] = [number(3), number(4), number(5), number(6)]
  if ((last !== undefined && last !== first) || (portLast !== undefined && portLast !== portFirst)) return false
  const address = first === undefined ? undefined : state.registers.get(wordOf(first))
  const port = portFirst === undefined ? undefined : state.registers.get(wordOf(portFirst))
  const type = number(2) === 10 ? 'ipv6_addr' : 'ipv4_addr'
  const to = translationOf(type, { address, port, withPort: portFirst !== undefined })
  if (to === undefined) return false
  state.statements.push({ kind: number(1) === 1 ? 'dnat' : 'snat', to, ...natFlags(number(7)) })
  return true
}

function translationOf(
  type: ValueType,
  from: { readonly address: Content | undefined; readonly port: Content | undefined; readonly withPort: boolean },
): NftTranslation | undefined {
  const { address, port, withPort } = from
  if (address?.kind === 'mapped') return { key: address.key, map: address.map, withPort }
  if (address !== undefined && address.kind !== 'constant') return undefined
  if (withPort && port?.kind !== 'constant') return undefined
  return {
    ...(address === undefined ? {} : { address: printValue(type, readNumber(type, address.bytes)) }),
    ...(port?.kind === 'constant' ? { port: Number(readNumber('inet_service', port.bytes)) } : {}),
  }
}

function decodeRedirect(state: State, number: Numbers): boolean {
  const register = number(1)
  const port = register === undefined ? undefined : state.registers.get(wordOf(register))
  if (register !== undefined && port?.kind !== 'constant') return false
  const to = port?.kind === 'constant' ? { port: Number(readNumber('inet_service', port.bytes)) } : {}
  state.statements.push({ kind: 'redirect', ...to, ...natFlags(number(3)) })
  return true
}

function natFlags(bits = 0): { readonly flags?: readonly NftNatFlag[] } {
  const flags = (['random', 'fully-random', 'persistent'] as const).filter((flag) => (bits & NAT_FLAG[flag]) !== 0)
  return flags.length === 0 ? {} : { flags }
}

function decodeUpdate(state: State, attributes: Attributes): boolean {
  const name = readText(attributes.get(1) ?? new Uint8Array())
  const set = state.decoder.sets.get(name)
  const kind = (['add', 'update', 'delete'] as const)[u32(attributes.get(3)) ?? 0]
  // Data and inner expressions have no name here.
  const more = attributes.has(5) || attributes.has(7) || attributes.has(10)
  const key = set === undefined || more ? undefined : takeKey(state, wordOf(u32(attributes.get(4))), set)
  if (key === undefined || kind === undefined) return false
  const timeout = u64(attributes.get(6))
  const after = timeout === undefined || timeout === 0n ? {} : { timeout: Number(timeout) }
  state.statements.push({ kind, set: name, key, ...after })
  return true
}
