/** The targets that change a packet's addresses, and where they take it. */
import { canonicalAddress } from '#lib'
import { masqueradeEndpoint, redirectAddress } from '#rulesets/shared'

import type { Target } from './ast.ts'
import { destinationOf, sourceOf, withDestination, withSource, type Flow } from './flow.ts'
import type { Scene } from './scene.ts'
import type { Effect, Endpoint } from './outcome.ts'

export type Translation = { readonly flow: Flow; readonly effect: Effect }

/** A text is why it cannot be told. */
export function translate(
  target: Target & { readonly kind: 'dnat' | 'snat' | 'masquerade' | 'redirect' },
  scene: Scene,
): Translation | string {
  switch (target.kind) {
    case 'dnat':
      return toDestination('dnat', readEndpoint(target.to, destinationOf(scene.flow)), scene)
    case 'snat':
      return toSource(readEndpoint(target.to, sourceOf(scene.flow)), scene, {
        kind: 'snat',
        newPort: (target.flags ?? []).some((flag) => flag.startsWith('--random')),
      })
    case 'redirect':
      return toDestination('redirect', redirectionOf(target.toPorts, scene), scene)
    case 'masquerade':
      return toSource(masqueradeEndpoint(scene.flow, scene.context.host), scene, {
        kind: 'masquerade',
        newPort: target.randomFully === true,
      })
  }
}

function toDestination(kind: 'dnat' | 'redirect', to: Endpoint | string, { flow }: Scene): Translation | string {
  if (typeof to === 'string') return to
  return { flow: withDestination(flow, to), effect: { kind, from: destinationOf(flow), to } }
}

function toSource(
  to: Endpoint | string,
  { flow }: Scene,
  { kind, newPort }: { readonly kind: 'snat' | 'masquerade'; readonly newPort: boolean },
): Translation | string {
  if (typeof to === 'string') return to
  return { flow: withSource(flow, to, { newPort }), effect: { kind, from: sourceOf(flow), to } }
}

/** `10.0.0.1:80`, `10.0.0.1`, `:80`, `[fd00::1]:80`, `fd00::1`. What is not given stays. */
function readEndpoint(text: string, now: Endpoint): Endpoint | string {
  const range = `the kernel chooses within ${text}`
  const parts = /^(?:\[([^\]]*)\](?::(\d+))?|([^:]*)(?::(\d+))?|(.*:.*:.*))$/.exec(text)
  if (parts === null) return range
  const [, bracketed, bracketedPort, plain, plainPort, bare] = parts
  const written = bracketed ?? plain ?? bare ?? ''
  const port = bracketedPort ?? plainPort
  const address = written === '' ? now.address : canonicalAddress(written)
  if (address === undefined) return range
  return { address, port: port === undefined ? now.port : Number(port) }
}

function redirectionOf(ports: string | undefined, { flow, context }: Scene): Endpoint | string {
  if (ports !== undefined && !/^\d+$/.test(ports)) return `the kernel chooses within ${ports}`
  const address = redirectAddress(flow, context.host)
  if (address === undefined) return `the address of interface ${flow.inInterface ?? ''} is not known`
  return { address, port: ports === undefined ? flow.packet.destinationPort : Number(ports) }
}
