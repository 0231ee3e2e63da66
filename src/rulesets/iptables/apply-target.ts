/** What a rule that matched does to the packet and to the walk. */
import type { Rule, Target } from './ast.ts'
import { withMark, type Flow } from './flow.ts'
import type { Scene } from './scene.ts'
import type { Effect } from './outcome.ts'
import { translate } from './translate.ts'

export type Applied = {
  readonly flow: Flow
  readonly effect: Effect
  /** What the walk does next. `accept` ends this table only; `drop` and `reject` end the packet. */
  readonly go: 'next' | 'enter' | 'replace' | 'return' | 'accept' | 'drop' | 'reject'
}

/** A text is why it cannot be told. */
export function applyTarget(rule: Rule, scene: Scene): Applied | string {
  const { flow } = scene
  const { target } = rule
  if (target === undefined) return { flow, effect: { kind: 'continue' }, go: 'next' }
  switch (target.kind) {
    case 'jump':
      return { flow, effect: { kind: 'jump', chain: target.chain }, go: 'enter' }
    case 'goto':
      return { flow, effect: { kind: 'goto', chain: target.chain }, go: 'replace' }
    case 'accept':
    case 'drop':
    case 'return':
      return { flow, effect: { kind: target.kind }, go: target.kind }
    case 'reject':
      return { flow, effect: { kind: 'reject', with: target.with }, go: 'reject' }
    case 'mark': {
      const before = flow.packet.mark
      const after = ((before & ~target.mask) ^ target.value) >>> 0
      return { flow: withMark(flow, after), effect: { kind: 'mark', before, after }, go: 'next' }
    }
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect': {
      const translation = translate(target, scene)
      // A translation is also the nat table's verdict.
      return typeof translation === 'string' ? translation : { ...translation, go: 'accept' }
    }
    case 'other':
      return applyOther(target, scene)
  }
}

/** Targets that neither decide nor change anything this evaluator follows. */
const TRANSPARENT = /^(?:LOG|NFLOG|TRACE|AUDIT|CHECKSUM|CLASSIFY|DSCP|TOS|TTL|HL|TCPMSS|TCPOPTSTRIP)$/

function applyOther(target: Target & { readonly kind: 'other' }, scene: Scene): Applied | string {
  const { flow } = scene
  if (TRANSPARENT.test(target.name)) return { flow, effect: { kind: 'continue' }, go: 'next' }
  if (target.name === 'CT' && target.arguments.join(' ') === '--notrack') {
    const untracked: Flow = { ...flow, packet: { ...flow.packet, ctstate: 'UNTRACKED' } }
    return { flow: untracked, effect: { kind: 'continue' }, go: 'next' }
  }
  // Its options all choose a port, which cannot be foretold.
  if (target.name === 'MASQUERADE') {
    const translation = translate({ kind: 'masquerade', randomFully: true }, scene)
    return typeof translation === 'string' ? translation : { ...translation, go: 'accept' }
  }
  return `target ${[target.name, ...target.arguments].join(' ')} cannot be decided`
}
