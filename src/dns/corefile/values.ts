/** Arguments of directives: zones, numbers, durations, addresses. Each refuses what it cannot read, with its place. */
import { canonicalAddress, parseCidr } from '#lib'
import { parseAddressPort } from '../forward/index.ts'
import { reverseZonesOf } from '../records/index.ts'
import type { Name } from '../wire/index.ts'
import { lowerName, nameFromText } from '../wire/index.ts'
import type { Directive, Place } from './syntax.ts'
import { refuse } from './syntax.ts'

/** A zone, or the reverse zones of a CIDR. */
export function zonesOf(text: string, at: Place): readonly Name[] {
  const cidr = text.includes('/') ? parseCidr(text) : undefined
  if (cidr !== undefined) return reverseZonesOf(cidr)
  const name = nameFromText(text)
  return name === undefined ? refuse(at, `${text} is not a domain name`) : [lowerName(name)]
}

export function whole(
  text: string | undefined,
  at: Place,
  range: { readonly from: number; readonly to: number },
): number {
  const value = Number(text)
  const fits = /^\d+$/.test(text ?? '') && value >= range.from && value <= range.to
  return fits
    ? value
    : refuse(at, `a whole number from ${range.from} to ${range.to} is expected, not ${text ?? 'nothing'}`)
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Go's durations: `500ms`, `5s`, `1m30s`. In milliseconds. */
export function duration(text: string | undefined, at: Place): number {
  const parts = [...(text ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    refuse(at, `a duration such as 5s is expected, not ${text ?? 'nothing'}`)
  }
  return parts.reduce((sum, [, value = '0', unit = 's']) => sum + Number(value) * (UNITS[unit] ?? 0), 0)
}

export function address(text: string, at: Place): string {
  return canonicalAddress(text) ?? refuse(at, `${text} is not an IP address`)
}

/** `HOST:PORT` or `:PORT` for HTTP pages, or the default. */
export function pageAddress(directive: Directive, standard: string): string {
  const [text = standard, ...rest] = directive.args
  if (rest.length > 0) refuse(directive, `${directive.name} takes one address`)
  const known = /^(?:localhost)?:\d{1,5}$/.test(text) || parseAddressPort(text, 0) !== undefined
  return known ? text : refuse(directive, `${text} is not HOST:PORT`)
}

/** For directives whose options cannot be chosen here. */
export function noBlock(directive: Directive): void {
  const [option] = directive.block ?? []
  if (option !== undefined) refuseOption(option, directive.name)
}

export function noArguments(directive: Directive): void {
  if (directive.args.length > 0)
    refuse(directive, `${directive.name} takes no arguments here, not ${directive.args.join(' ')}`)
}

export function refuseOption(option: Directive, plugin: string): never {
  return refuse(option, `the option ${option.name} of ${plugin} is not supported`)
}
