/**
 * When the world changed that an EndpointSlice reflects (OP-32): from that moment to the rules in the kernel is the network
 * programming latency. What was true before this process began says nothing about it and does not count.
 */
import type { EndpointSlice } from '#api'

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'

export interface TriggerTimes {
  /** Takes note of the slices of a service that changed. */
  note(service: string, slices: readonly EndpointSlice[]): void
  /** Milliseconds since the epoch of every change noted since the last call. */
  take(): readonly number[]
}

export function createTriggerTimes(startedAt: number): TriggerTimes {
  const pending = new Map<string, number[]>()
  /** By service, then by slice: the last time that was noted. */
  const seen = new Map<string, ReadonlyMap<string, string>>()
  return {
    note: (service, slices) => {
      const known = seen.get(service)
      const now = new Map<string, string>()
      // Nobody waits any more for what a slice said that is gone.
      if (
        known !== undefined &&
        [...known.keys()].some((name) => !slices.some(({ metadata }) => metadata.name === name))
      ) {
        pending.delete(service)
      }
      for (const { metadata } of slices) {
        const text = metadata.annotations?.[TRIGGER_TIME]
        const at = text === undefined ? Number.NaN : Date.parse(text)
        if (text === undefined || !(at > startedAt)) continue
        now.set(metadata.name, text)
        if (known?.get(metadata.name) !== text) pending.set(service, [...(pending.get(service) ?? []), at])
      }
      if (now.size === 0) seen.delete(service)
      else seen.set(service, now)
    },
    take: () => {
      const taken = [...pending.values()].flat()
      pending.clear()
      return taken
    },
  }
}
