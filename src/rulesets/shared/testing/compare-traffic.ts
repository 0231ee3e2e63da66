/** Predictions held against real packets: what a flow's sender sees must be one of the outcomes predicted for it. */
import assert from 'node:assert/strict'

import type { Family } from '#lib'

import type { Outcome } from '../outcome.ts'
import type { Packet } from '../packet.ts'
import { addressOf, hostOf, LOOPBACK, virtualAddress, type HostName, type PacketLab } from './packet-lab.ts'
import type { Sighting } from './traffic-agent.ts'

export type Flow = {
  readonly from: HostName
  readonly protocol: 'TCP' | 'UDP'
  readonly source: string
  readonly destination: string
  readonly destinationPort: number
}

export function exampleFlows(family: Family): readonly Flow[] {
  const [first] = [virtualAddress(family, 1)]
  const router = addressOf(family, 'client', 'router')
  const local = addressOf(family, 'sink', 'router')
  const [client, alpha] = [addressOf(family, 'client'), addressOf(family, 'alpha')]
  const to80 = { destinationPort: 80 }
  return [
    { from: 'client', protocol: 'TCP', source: client, destination: first, ...to80 },
    { from: 'client', protocol: 'UDP', source: client, destination: first, ...to80 },
    { from: 'client', protocol: 'UDP', source: client, destination: router, ...to80 },
    { from: 'client', protocol: 'TCP', source: client, destination: alpha, destinationPort: 8080 },
    { from: 'alpha', protocol: 'UDP', source: alpha, destination: first, ...to80 },
    { from: 'alpha', protocol: 'TCP', source: alpha, destination: first, ...to80 },
    { from: 'router', protocol: 'UDP', source: local, destination: first, ...to80 },
    { from: 'router', protocol: 'UDP', source: router, destination: router, ...to80 },
  ]
}

/** Milliseconds; silence is only believed where it was predicted, or after the second. */
const IMPATIENT = 150
export const PATIENT = 4000

/** The packet a flow begins with, as the router sees it. */
export function packetOfFlow(family: Family, flow: Flow & { readonly sourcePort: number }): Packet {
  const { from, ...packet } = flow
  return from === 'router'
    ? { family, ...packet, origin: 'local' }
    : { family, ...packet, origin: 'forwarded', inInterface: from }
}

/** How an outcome looks to the one who sent the packet. */
export function appearance(outcome: Outcome<unknown>, flow: Flow): string {
  const { packet, translated } = outcome
  if (outcome.verdict === 'dropped') return 'silent'
  if (outcome.verdict === 'rejected') return 'refused'
  // A host does not believe that a packet from outside comes from itself, or cannot match the answer it gives itself.
  if (outcome.delivered === 'forward' && packet.destination === flow.source && flow.from !== 'router') {
    if (translated.source === undefined) return 'silent'
  }
  if (outcome.delivered === 'local' && LOOPBACK.includes(packet.destination)) return 'refused'
  const by = outcome.delivered === 'local' ? 'router' : hostOf(packet.family, packet.destination)
  return answered(by ?? 'nobody', packet.source, translated.source === undefined ? packet.sourcePort : undefined)
}

function answered(by: string, source: string, port: number | undefined): string {
  return port === undefined ? `${by} saw ${source}` : `${by} saw ${source} ${port}`
}

/** A sighting in the same words; the port only where the prediction gives one. */
function describeSighting(sighting: Sighting, withPort: boolean): string {
  if (sighting.kind !== 'answered') return sighting.kind
  return answered(sighting.by, sighting.source, withPort ? sighting.sourcePort : undefined)
}

export type Predict = (flow: Flow & { readonly sourcePort: number }) => readonly Outcome<unknown>[]

export async function compareTraffic(lab: PacketLab, flows: readonly Flow[], predict: Predict): Promise<void> {
  await Promise.all(flows.map((flow) => compareFlow(lab, flow, predict)))
}

async function compareFlow(lab: PacketLab, flow: Flow, predict: Predict): Promise<void> {
  for (const patience of [IMPATIENT, PATIENT]) {
    const sourcePort = lab.freshPort()
    const { from, ...probe } = flow
    const expected = new Set(predict({ ...flow, sourcePort }).map((outcome) => appearance(outcome, flow)))
    const sighting = await lab.send(from, { ...probe, sourcePort, patience })
    if ([true, false].some((withPort) => expected.has(describeSighting(sighting, withPort)))) return
    if (sighting.kind === 'silent' && patience !== PATIENT) continue
    assert.fail(`${JSON.stringify(flow)}: ${describeSighting(sighting, true)}, not one of: ${[...expected].join('; ')}`)
  }
}
