/**
 * The whole zone, from the same answers that single questions get: a secondary says what this server says, SRV weights
 * included (CoreDNS computes them by slice there, and by service elsewhere).
 */
import type { Name, ResourceRecord } from '../wire/index.ts'
import { nameToText, prefixName, TYPE, typeName } from '../wire/index.ts'
import { formatData } from '../wire/index.ts'
import type { ServiceRecords } from './service-records.ts'
import type { ZoneResult } from './zone-types.ts'

export type TransferOptions = {
  readonly zone: Name
  readonly services: readonly ServiceRecords[]
  readonly lookup: (name: Name, type: number) => ZoneResult
}

export function transferOf(options: TransferOptions): readonly ResourceRecord[] {
  const { zone, lookup } = options
  const records = new Map<string, ResourceRecord>()
  const take = (name: Name, type: number): void => {
    const found = lookup(name, type)
    if (found.kind !== 'answer' || found.rcode !== 0) return
    for (const record of [...found.answers, ...(type === TYPE.NS ? found.additional : [])]) {
      records.set(`${nameToText(record.name)} ${typeName(record.type)} ${formatData(record.data)}`, record)
    }
  }
  const soa = lookup(zone, TYPE.SOA)
  const [first] = soa.kind === 'answer' ? soa.answers : []
  if (first === undefined) return []
  take(zone, TYPE.NS)
  take(prefixName(['dns-version'], zone), TYPE.TXT)
  for (const service of options.services) takeService(service, { zone, take })
  return [first, ...records.values(), first]
}

function takeService(
  service: ServiceRecords,
  into: { readonly zone: Name; readonly take: (name: Name, type: number) => void },
): void {
  const { take } = into
  const name = prefixName([service.service, service.namespace, 'svc'], into.zone)
  if (service.kind === 'ExternalName') {
    take(name, TYPE.CNAME)
    return
  }
  take(name, TYPE.A)
  take(name, TYPE.AAAA)
  const ports = service.kind === 'Headless' ? service.endpoints.flatMap((endpoint) => endpoint.ports) : service.ports
  for (const port of new Set(ports.filter(({ name: label }) => label !== '').map(portPrefix))) {
    take(prefixName(port.split(' '), name), TYPE.SRV)
  }
  if (service.kind !== 'Headless') return
  for (const label of new Set(service.endpoints.map((endpoint) => endpoint.label))) {
    take(prefixName([label], name), TYPE.A)
    take(prefixName([label], name), TYPE.AAAA)
  }
}

function portPrefix(port: { readonly name: string; readonly protocol: string }): string {
  return `_${port.name} _${port.protocol}`
}
