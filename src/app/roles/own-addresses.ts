import { networkInterfaces } from 'node:os'

/** One socket an address rather than a wildcard: a datagram's answer then leaves from the address that was asked. */
export function ownAddresses(): readonly string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const usable = entries.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return usable.length > 0 ? usable.map(({ address }) => address) : ['127.0.0.1']
}
