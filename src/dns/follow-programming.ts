/**
 * How long a change of a headless service's endpoints took to reach the answers: from the time the controller wrote into
 * the slice to now, in the call that makes the zone know it (CoreDNS `dns_programming_duration_seconds`).
 */
import type { Clock } from '#lib'
import { LABEL_SERVICE_NAME } from '#api'
import { LAST_CHANGE } from './dns-informers.ts'
import type { DnsInformers } from './feed-zone.ts'

export function followProgramming(
  informers: DnsInformers,
  options: { readonly clock: Clock; readonly programmed: (milliseconds: number) => void },
): () => void {
  const { endpointSlices, services } = informers
  return endpointSlices.onChange(({ before, after }) => {
    const changed = after?.metadata.annotations?.[LAST_CHANGE]
    // What was there before the first list was complete tells of no change that was waited for.
    if (!endpointSlices.hasSynced || changed === undefined) return
    if (changed === before?.metadata.annotations?.[LAST_CHANGE]) return
    const { namespace = '', labels } = after?.metadata ?? { namespace: '' }
    const service = services.get(`${namespace}/${labels?.[LABEL_SERVICE_NAME] ?? ''}`)
    const at = Date.parse(changed)
    if (service?.spec.clusterIP !== 'None' || Number.isNaN(at)) return
    options.programmed(Math.max(0, options.clock.now() - at))
  })
}
