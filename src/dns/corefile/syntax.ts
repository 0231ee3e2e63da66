/** A Corefile as the lines it is made of, each with its place: what a message about it needs. */
import { SignalboxError } from '#lib'

export type Place = { readonly file: string; readonly line: number }

export type Directive = Place & {
  readonly name: string
  readonly args: readonly string[]
  /** Undefined: no braces. */
  readonly block: readonly Directive[] | undefined
}

export type ServerBlock = Place & { readonly keys: readonly string[]; readonly directives: readonly Directive[] }

/** @throws SBX_DNS_COREFILE always */
export function refuse(at: Place, reason: string): never {
  throw new SignalboxError('SBX_DNS_COREFILE', `${at.file}:${at.line}: ${reason}`, {
    facts: { file: at.file, line: at.line },
  })
}
