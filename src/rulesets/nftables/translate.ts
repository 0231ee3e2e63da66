/** The statements that change a packet's addresses, and where they take it. */
import { canonicalAddress } from '#lib'
import {
  destinationOf,
  masqueradeEndpoint,
  redirectAddress,
  sourceOf,
  withDestination,
  withSource,
  type Effect,
  type Endpoint,
} from '#rulesets/shared'

import type { NftNatFlag } from './ast.ts'
import type { Flow, Scene } from './flow.ts'

export type Translated = { readonly flow: Flow; readonly effect: Effect }

/** Where it goes; what is not given stays. */
export type Target = { readonly address?: string; readonly port?: number }

/** A text is why it cannot be told. */
export function translateTo(
  { kind, flags = [] }: { readonly kind: 'dnat' | 'snat'; readonly flags?: readonly NftNatFlag[] },
  target: Target,
  { flow }: Scene,
): Translated | string {
  const from = kind === 'dnat' ? destinationOf(flow) : sourceOf(flow)
  const address = target.address === undefined ? from.address : canonicalAddress(target.address)
  if (address === undefined) return `${target.address} is no address`
  const to = { address, port: target.port ?? from.port }
  if (kind === 'dnat') return { flow: withDestination(flow, to), effect: { kind, from, to } }
  return toSource(flow, to, { kind, flags })
}

export function masquerade({ flow, host }: Scene, flags: readonly NftNatFlag[] = []): Translated | string {
  const to = masqueradeEndpoint(flow, host)
  return typeof to === 'string' ? to : toSource(flow, to, { kind: 'masquerade', flags })
}

export function redirect({ flow, host }: Scene, port: number | undefined): Translated | string {
  const address = redirectAddress(flow, host)
  if (address === undefined) return `the address of interface ${flow.inInterface ?? ''} is not known`
  const from = destinationOf(flow)
  const to = { address, port: port ?? from.port }
  return { flow: withDestination(flow, to), effect: { kind: 'redirect', from, to } }
}

function toSource(
  flow: Flow,
  to: Endpoint,
  { kind, flags }: { readonly kind: 'snat' | 'masquerade'; readonly flags: readonly NftNatFlag[] },
): Translated {
  const newPort = flags.some((flag) => flag !== 'persistent')
  return { flow: withSource(flow, to, { newPort }), effect: { kind, from: sourceOf(flow), to } }
}
