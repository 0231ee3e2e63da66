/** The step that answers for the cluster. */
import type { Zone, ZoneAnswer } from '../records/index.ts'
import type { Step } from '../resolve.ts'
import { answered } from '../resolve.ts'
import type { Name } from '../wire/index.ts'
import { RCODE } from '../wire/index.ts'
import type { ForwardRoute } from './forward-step.ts'
import { followOutside, routeOf } from './forward-step.ts'

export function createZoneStep(
  zone: Zone,
  options: { readonly fallthrough: boolean; readonly routes: readonly ForwardRoute[] },
): Step {
  return (query, client) => {
    const found = zone.lookup(query.question)
    if (found.kind === 'pass') return undefined
    if (options.fallthrough && found.rcode === RCODE.NXDOMAIN && found.answers.length === 0) return undefined
    const { follow } = found
    const forwarder = follow === undefined ? undefined : routeOf(options.routes, follow)
    if (!leadsOut(found) || forwarder === undefined) {
      const { rcode, answers, authority, additional } = found
      return answered(answers, { rcode, authority, additional, stable: true })
    }
    return followOutside(found, query, { forwarder, client })
  }
}

function leadsOut(found: ZoneAnswer): found is ZoneAnswer & { readonly follow: Name } {
  return found.follow !== undefined
}
