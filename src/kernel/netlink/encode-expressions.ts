/**
 * Statements as the kernel's expressions, in the register layout `nft` itself uses, so that every listing tool can read
 * them back: a key's fields lie in consecutive registers from the first on, and a map's answer overwrites them.
 */
import { SignalboxError } from '#lib'
import type { NftFamily, NftMark, NftRule, NftStatement } from '#rulesets/nftables'
import { addressFamilyOf, demandsTcp, impliedProtocol, parseValue, partsOf } from '#rulesets/nftables'

import { encodeComparison } from './encode-comparison.ts'
import { encodeNumber } from './encode-values.ts'
import type { MessageWriter } from './message-writer.ts'
import { FAMILY, NAT_FLAG, NAT_PROTO_SPECIFIED } from './nft-constants.ts'
import { rejectNumbers } from './reject-codes.ts'
import { bitwise, compare, expression, immediate, load, loadKey, register, writeVerdict } from './write-expression.ts'

export type RuleContext = {
  readonly writer: MessageWriter
  readonly family: NftFamily
  /** Name and number of the anonymous set that was made for a statement's own elements. */
  readonly anonymous: (statement: NftStatement) => { readonly name: string; readonly id: number }
}

/** The rule must be normalized: every protocol it implies is written once, where it is first needed. */
export function encodeRule(rule: NftRule, context: RuleContext): void {
  let protocol: string | undefined
  let family: string | undefined
  if (demandsTcp(rule)) {
    encodeStatement({ kind: 'match', field: 'meta l4proto', value: 'tcp' }, context)
    protocol = 'tcp'
  }
  for (const statement of rule.statements) {
    const needsFamily = context.family === 'inet' ? addressFamilyOf(partsOf(statement)) : undefined
    if (needsFamily !== undefined && family === undefined) {
      encodeStatement({ kind: 'match', field: 'meta nfproto', value: needsFamily }, context)
      family = needsFamily
    }
    const needsProtocol = impliedProtocol(statement)
    if (needsProtocol !== undefined && protocol === undefined) {
      encodeStatement({ kind: 'match', field: 'meta l4proto', value: needsProtocol }, context)
      protocol = needsProtocol
    }
    const saysProtocol = statement.kind === 'match' && statement.field === 'meta l4proto' && statement.negated !== true
    const wanted = saysProtocol ? statement.value : needsProtocol
    if (wanted !== undefined && protocol !== undefined && wanted !== protocol) {
      throw new SignalboxError('SBX_NFT_REJECTED', `no packet is ${protocol} and ${wanted}`)
    }
    if (saysProtocol) protocol = statement.value
    encodeStatement(statement, context)
  }
}

function encodeStatement(statement: NftStatement, context: RuleContext): void {
  const { writer } = context
  switch (statement.kind) {
    case 'match':
      encodeComparison(statement, writer)
      return
    case 'masked-match': {
      const { field, mask, value } = statement
      load(writer, field)
      bitwise(writer, { mask, xor: 0 })
      compare(writer, statement.negated === true ? 1 : 0, encodeNumber('mark', BigInt(value)))
      return
    }
    case 'lookup':
    case 'vmap':
      encodeLookup(statement, context)
      return
    case 'set-mark':
      encodeSetMark(statement, writer)
      return
    case 'dnat':
    case 'snat':
      encodeTranslation(statement, context)
      return
    case 'masquerade':
      expression(writer, 'masq', () => {
        const flags = natFlags(statement.flags)
        if (flags !== 0) writer.u32(1, flags)
      })
      return
    case 'redirect':
      if (statement.port !== undefined) immediate(writer, 1, encodeNumber('inet_service', BigInt(statement.port)))
      expression(writer, 'redir', () => {
        const flags = natFlags(statement.flags) | (statement.port === undefined ? 0 : NAT_PROTO_SPECIFIED)
        if (statement.port !== undefined) writer.u32(1, 1)
        if (flags !== 0) writer.u32(3, flags)
      })
      return
    case 'reject': {
      const { type, code } = rejectNumbers(statement.with, context.family)
      expression(writer, 'reject', () => {
        writer.u32(1, type)
        writer.bytes(2, Uint8Array.of(code))
      })
      return
    }
    case 'add':
    case 'update':
    case 'delete':
      loadKey(statement.key, writer)
      expression(writer, 'dynset', () => {
        writer.u32(4, 1)
        writer.u32(3, { add: 0, update: 1, delete: 2 }[statement.kind])
        if (statement.timeout !== undefined) writer.u64(6, BigInt(statement.timeout))
        writer.text(1, statement.set)
      })
      return
    case 'counter':
      expression(writer, 'counter', () => {
        writer.u64(1, statement.bytes)
        writer.u64(2, statement.packets)
      })
      return
    case 'verdict':
      expression(writer, 'immediate', () => {
        writer.u32(1, 0)
        writeVerdict(writer, 2, statement)
      })
      return
    case 'other':
      throw new SignalboxError('SBX_NFT_REJECTED', `cannot be written: ${statement.text.slice(0, 120)}`)
  }
}

function encodeLookup(statement: NftStatement & { readonly kind: 'lookup' | 'vmap' }, context: RuleContext): void {
  const { writer } = context
  loadKey(statement.key, writer)
  const reference = statement.kind === 'lookup' ? statement.set : statement.map
  lookup(context, {
    set: 'name' in reference ? reference : context.anonymous(statement),
    into: statement.kind === 'vmap' ? 0 : undefined,
    negated: statement.kind === 'lookup' && statement.negated === true,
  })
}

function lookup(
  { writer }: RuleContext,
  options: {
    readonly set: { readonly name: string; readonly id?: number }
    readonly into: number | undefined
    readonly negated: boolean
  },
): void {
  expression(writer, 'lookup', () => {
    writer.u32(2, 1)
    if (options.into !== undefined) writer.u32(3, options.into)
    writer.text(1, options.set.name)
    if (options.set.id !== undefined) writer.u32(4, options.set.id)
    if (options.negated) writer.u32(5, 1)
  })
}

function encodeSetMark(statement: NftStatement & { readonly kind: 'set-mark' }, writer: MessageWriter): void {
  const { field, from, operator } = statement
  const value = (statement.value ?? 0) >>> 0
  if (from === undefined) immediate(writer, 1, encodeNumber('mark', BigInt(value)))
  else {
    load(writer, from)
    if (operator === 'and') bitwise(writer, { mask: value, xor: 0 })
    else if (operator === 'or') bitwise(writer, { mask: ~value, xor: value })
    else if (operator === 'xor') bitwise(writer, { mask: 0xffffffff, xor: value })
  }
  const [name, source] = markTarget(field)
  expression(writer, name, () => {
    writer.u32(2, 3)
    writer.u32(source, 1)
  })
}

/** Both call the mark key number 3; the attribute that names the source register differs. */
function markTarget(field: NftMark): readonly [string, number] {
  return field === 'meta mark' ? ['meta', 3] : ['ct', 4]
}

function encodeTranslation(statement: NftStatement & { readonly kind: 'dnat' | 'snat' }, context: RuleContext): void {
  const { writer } = context
  const { to } = statement
  const v6 = translatesToV6(statement, context.family)
  const flags = natFlags(statement.flags)
  let address: number | undefined
  let port: number | undefined
  let constantPort = 0
  if ('map' in to) {
    loadKey(to.key, writer)
    const set = 'name' in to.map ? to.map : context.anonymous(statement)
    lookup(context, { set, into: 1, negated: false })
    address = 1
    if (to.withPort) port = register(v6 ? 4 : 1)
  } else {
    if (to.address !== undefined) {
      const type = v6 ? 'ipv6_addr' : 'ipv4_addr'
      const value = parseValue(type, to.address)
      if (value === undefined) throw new SignalboxError('SBX_NFT_REJECTED', `${to.address} is no ${type}`)
      immediate(writer, 1, encodeNumber(type, value))
      address = 1
    }
    if (to.port !== undefined) {
      port = address === undefined ? 1 : 2
      constantPort = NAT_PROTO_SPECIFIED
      immediate(writer, port, encodeNumber('inet_service', BigInt(to.port)))
    }
  }
  expression(writer, 'nat', () => {
    writer.u32(1, statement.kind === 'dnat' ? 1 : 0)
    writer.u32(2, v6 ? FAMILY.ip6 : FAMILY.ip)
    if (address !== undefined) writer.u32(3, address)
    if (port !== undefined) writer.u32(5, port)
    if ((flags | constantPort) !== 0) writer.u32(7, flags | constantPort)
  })
}

function translatesToV6({ to }: NftStatement & { readonly kind: 'dnat' | 'snat' }, family: NftFamily): boolean {
  if (family !== 'inet') return family === 'ip6'
  return 'map' in to ? addressFamilyOf(to.key) === 'ipv6' : (to.address?.includes(':') ?? false)
}

function natFlags(flags: readonly (keyof typeof NAT_FLAG)[] = []): number {
  return flags.reduce((sum, flag) => sum | NAT_FLAG[flag], 0)
}
