/**
 * Keeps IPAddress objects, Services and ranges in agreement (ipallocator/controller/repairip.go, servicecidrs controller;
 * api-server.md 13). Services and their addresses are written in one commit, so there is something to do only when
 * somebody else writes an IPAddress, when the store comes from a version without them, and when a range is to go.
 *
 * Works on commits: each change queues the addresses and Services concerned, never all of them.
 */
import type { ServiceAllocator } from '#allocators'
import type { IPAddress, KubeObject, ResourceInfo, Service, ServiceCIDR } from '#api'
import { IPADDRESSES, SERVICECIDRS, SERVICES } from '#api'
import type { Logger } from '#lib'
import { cidrContains, messageOf, parseCidr } from '#lib'
import { RANGE_FINALIZER } from '../kinds/service-cidr.ts'
import { addressesOf, addressObject, isParent, MANAGER, MANAGER_LABEL } from '../kinds/service-addresses.ts'
import type { Registry } from '../registry/index.ts'
import { deleteNow, keyOf, storageName, timestamp, updateNow } from '../registry/index.ts'
import { Refused } from '../status/index.ts'
import { recordEvent } from './record-event.ts'

const WRITER = { user: { name: 'system:apiserver', groups: ['system:masters'] }, dryRun: false, warn: () => undefined }

/** Starts with everything that is stored; the returned function stops it. */
export function keepAddresses(registry: Registry, allocator: ServiceAllocator, logger: Logger): () => void {
  const { store, reader } = registry
  const services = new Set<string>()
  const addresses = new Set<string>()
  let ranges = true
  let scheduled = false
  let stopped = false

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(pass)
  }
  const pass = (): void => {
    scheduled = false
    if (stopped) return
    for (const key of take(services)) attempt(() => checkService(key))
    for (const name of take(addresses)) attempt(() => checkAddress(name))
    if (ranges) attempt(checkRanges)
    ranges = false
  }
  const attempt = (task: () => void): void => {
    try {
      task()
    } catch (error) {
      // Somebody was faster; the event of that write brings us back.
      if (!(error instanceof Refused)) logger.error('address repair failed', { reason: messageOf(error) })
    }
  }
  const write = (address: IPAddress): void => {
    const key = keyOf(IPADDRESSES, address.metadata)
    store.stage([{ resource: storageName(IPADDRESSES), key, object: address, expect: undefined }])
  }
  const warn = (object: KubeObject, reason: string, message: string): void => {
    logger.warn('service address repaired', { object: object.metadata.name, reason, detail: message })
    recordEvent(registry, object, { type: 'Warning', reason, message, component: 'ipallocator-repair-controller' })
  }

  const checkService = (key: string): void => {
    const service = store.head(storageName(SERVICES), key)?.object as Service | undefined
    if (service === undefined) return
    for (const address of addressesOf(service)) {
      const family = address.includes(':') ? 'IPv6' : 'IPv4'
      if (!allocator.isInRange(address)) {
        warn(service, 'ClusterIPOutOfRange', `Cluster IP [${family}]: ${address} is not within any service CIDR`)
      }
      const known = reader.get(IPADDRESSES, { name: address }) as IPAddress | undefined
      if (known !== undefined && isParent(service, known)) continue
      const other = known === undefined ? undefined : holderOf(known)
      if (other !== undefined) {
        const text = `Cluster IP [${family}]: ${address} was assigned to multiple services; please recreate service`
        warn(service, 'ClusterIPAlreadyAllocated', text)
        continue
      }
      warn(service, 'ClusterIPNotAllocated', `Cluster IP [${family}]: ${address} is not allocated; repairing`)
      write(addressObject(address, service, timestamp(registry.clock.now())))
    }
  }
  /** The Service that an address names, if that Service has it. */
  const holderOf = (address: IPAddress): Service | undefined => {
    const { namespace = '', name = '' } = address.spec?.parentRef ?? {}
    const service = reader.get(SERVICES, { namespace, name }) as Service | undefined
    const holds = service !== undefined && isParent(service, address)
    return holds && addressesOf(service).includes(address.metadata.name) ? service : undefined
  }
  const checkAddress = (name: string): void => {
    const address = reader.get(IPADDRESSES, { name }) as IPAddress | undefined
    if (address === undefined || address.metadata.labels?.[MANAGER_LABEL] !== MANAGER) return
    if (holderOf(address) !== undefined) return
    const { namespace = '', name: parent = '' } = address.spec?.parentRef ?? {}
    const text = `IPAddress: ${name} for Service ${namespace}/${parent} appears to have leaked: cleaning up`
    warn(address, 'IPAddressNotAllocated', text)
    const kind = kindOf(registry, IPADDRESSES)
    if (kind !== undefined) deleteNow(registry, { kind, namespace: undefined, name, deletion: {}, options: WRITER })
  }
  const checkRanges = (): void => {
    const kind = kindOf(registry, SERVICECIDRS)
    const all = reader.list(SERVICECIDRS) as readonly ServiceCIDR[]
    const going = all.filter(isGoing)
    if (kind === undefined || going.length === 0) return
    const used = reader.list(IPADDRESSES).map(({ metadata }) => metadata.name)
    for (const range of going) {
      const isNeeded = used.some((address) => contains(range, address) && !allocator.isInRange(address))
      if (isNeeded) continue
      updateNow(registry, {
        kind,
        namespace: undefined,
        name: range.metadata.name,
        options: WRITER,
        mayCreate: false,
        change: (current) => {
          const { finalizers = [], ...metadata } = (current ?? range).metadata
          return {
            ...(current ?? range),
            metadata: { ...metadata, finalizers: finalizers.filter((one) => one !== RANGE_FINALIZER) },
          }
        },
      })
    }
  }

  for (const { metadata } of reader.list(SERVICES)) services.add(keyOf(SERVICES, metadata))
  for (const { metadata } of reader.list(IPADDRESSES)) addresses.add(metadata.name)
  schedule()
  const stops = [
    store.subscribe(storageName(IPADDRESSES), (events) => {
      for (const { type, current } of events) {
        const { spec, metadata } = current.object as IPAddress
        if (type !== 'DELETED') addresses.add(metadata.name)
        const { namespace = '', name = '' } = spec?.parentRef ?? {}
        if (type === 'DELETED') services.add(keyOf(SERVICES, { namespace, name }))
        ranges ||= type === 'DELETED'
      }
      schedule()
    }),
    store.subscribe(storageName(SERVICECIDRS), () => {
      ranges = true
      schedule()
    }),
  ]
  return () => {
    stopped = true
    for (const stop of stops) stop()
  }
}

function kindOf(registry: Registry, info: ResourceInfo): Registry['kinds'][number] | undefined {
  return registry.kinds.find((kind) => kind.info.resource === info.resource && kind.info.group === info.group)
}

function isGoing({ metadata }: ServiceCIDR): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(RANGE_FINALIZER)
}

function contains({ spec }: ServiceCIDR, address: string): boolean {
  return (spec?.cidrs ?? []).some((text) => {
    const cidr = parseCidr(text)
    return cidr !== undefined && cidrContains(cidr, address)
  })
}

function take(set: Set<string>): string[] {
  const values = [...set]
  set.clear()
  return values
}
