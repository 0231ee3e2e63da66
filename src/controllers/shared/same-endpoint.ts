/** Whether two endpoints say the same, whatever order their fields have and whatever a server added. */
import type { Endpoint } from '#api'

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return facts(a) === facts(b)
}

function facts(endpoint: Endpoint): string {
  const { addresses, conditions, hostname, nodeName, zone, targetRef, hints } = endpoint
  return JSON.stringify([
    addresses,
    conditions?.ready ?? null,
    conditions?.serving ?? null,
    conditions?.terminating ?? null,
    hostname ?? '',
    nodeName ?? '',
    zone ?? '',
    [targetRef?.kind, targetRef?.namespace, targetRef?.name, targetRef?.uid],
    (hints?.forZones ?? []).map(({ name }) => name),
    (hints?.forNodes ?? []).map(({ name }) => name),
  ])
}
