/**
 * Match modules the value type keeps as text, but which can be decided all the same. Everything else is undecidable here:
 * the evaluator says so instead of guessing.
 */
import type { Match } from './ast.ts'
import { isProtocol } from './match-address.ts'
import { hasState, type Answer, type Scene } from './scene.ts'

export function matchOther(match: Match & { readonly kind: 'other' }, scene: Scene): Answer {
  const { module } = match
  const options = match.arguments
  // `-m tcp` without options, as iptables-save prints it behind -p tcp.
  if (/^(?:tcp|udp|sctp)$/.test(module) && options.length === 0) return isProtocol(module, scene.flow.packet)
  // Counts what passes and matches everything (xt_nfacct).
  if (module === 'nfacct') return true
  if (module === 'state' && options.at(-2) === '--state') {
    const named = hasState((options.at(-1) ?? '').split(','), scene)
    return options[0] === '!' ? !named : named
  }
  if (module === 'multiport') return matchMultiport(options, scene) ?? undecided(match)
  // All packets of this evaluator are whole.
  if (module === '' && options.at(-1) === '-f') return options[0] === '!'
  return undecided(match)
}

function undecided(match: Match & { readonly kind: 'other' }): string {
  return `match ${match.module} ${match.arguments.join(' ')} cannot be decided from the packet`
}

function matchMultiport(options: readonly string[], { flow }: Scene): Answer | undefined {
  const negated = options[0] === '!'
  const [option = '', list, ...rest] = negated ? options.slice(1) : options
  if (list === undefined || rest.length > 0) return undefined
  const { sourcePort, destinationPort } = flow.packet
  const ports = portsFor(option, { sourcePort, destinationPort })
  if (ports === undefined || !/^[\d,:]+$/.test(list)) return undefined
  const found = list.split(',').some((range) => {
    const [from = '', to = from] = range.split(':')
    return ports.some((port) => port >= Number(from) && port <= Number(to))
  })
  return found !== negated
}

function portsFor(
  option: string,
  { sourcePort, destinationPort }: { readonly sourcePort: number; readonly destinationPort: number },
): readonly number[] | undefined {
  switch (option) {
    case '--dports':
    case '--destination-ports':
      return [destinationPort]
    case '--sports':
    case '--source-ports':
      return [sourcePort]
    case '--ports':
      return [sourcePort, destinationPort]
    default:
      return undefined
  }
}
