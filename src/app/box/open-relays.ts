/** The box's doors on the host's loopback: its API, and a relay for each node port for as long as there is one. */
import type { Service } from '#api'
import { SERVICES } from '#api'
import type { RelayStatus, Sandbox, WantedRelay } from '#lab'
import { nodePortRelays, planTopology, relaySocketPath, runHostRelays } from '#lab'
import type { Clock, Logger } from '#lib'
import { joinHostPort, SignalboxError } from '#lib'
import type { ApiClient } from '#watch'
import { connectApi, createInformer } from '#watch'

import type { RelayRecord } from './box-record.ts'
import type { BoxConfig, BoxInfo } from './messages.ts'
import { readSavedPort, savePort } from './saved-port.ts'

export type BoxRelays = {
  /** `https://127.0.0.1:PORT` */
  readonly server: string
  /** As administrator, through the relay. */
  readonly client: ApiClient
  list(): readonly RelayRecord[]
  onChange(listener: (relays: readonly RelayRecord[]) => void): void
  close(): Promise<void>
}

export type OpenRelays = {
  readonly sandbox: Sandbox
  readonly info: BoxInfo
  readonly config: BoxConfig
  readonly clock: Clock
  readonly logger: Logger
}

/** Milliseconds in which changes of services become one look at their node ports. */
const GATHER = 20

export async function openRelays({ sandbox, info, config, clock, logger }: OpenRelays): Promise<BoxRelays> {
  const life = new AbortController()
  let listener: (relays: readonly RelayRecord[]) => void = () => undefined
  const relays = runHostRelays({
    socketPath: relaySocketPath(sandbox.hostPid),
    onChange: (list) => listener(list.map(recordOf)),
    clock,
    logger,
  })
  const api = apiRelay(info, readSavedPort(config.stateDir))
  relays.want([api])
  await relays.settled()
  const listen = relays.list().find(({ name }) => name === api.name)?.listen
  if (listen === undefined) throw new SignalboxError('SBX_BOX_FAILED', 'no port on 127.0.0.1 is free for the API')
  savePort(config.stateDir, listen)

  const server = `https://${listen}`
  const client = connectApi(
    { server, ca: info.ca, namespace: 'default', authorization: () => `Bearer ${info.adminToken}` },
    { clock, userAgent: 'signalbox', signal: life.signal },
  )
  const topology = planTopology({ nodes: config.nodes, families: info.families })
  const services = createInformer<Service>({ client, resource: SERVICES, clock, logger, signal: life.signal })
  let gathering = false
  services.onChange(() => {
    if (gathering) return
    gathering = true
    clock.after(GATHER, () => {
      gathering = false
      if (!life.signal.aborted) relays.want([api, ...nodePortRelays(services.items.values(), topology)])
    })
  })
  return {
    server,
    client,
    list: () => relays.list().map(recordOf),
    onChange: (given) => (listener = given),
    close: async () => {
      life.abort(new Error('the box is closing'))
      await relays.close()
    },
  }
}

function apiRelay(info: BoxInfo, preferredPort: number | undefined): WantedRelay {
  const target = { protocol: 'TCP' as const, ...info.apiServer }
  return { name: 'api', target, ...(preferredPort === undefined ? {} : { preferredPort }) }
}

function recordOf({ name, protocol, listen, host, port }: RelayStatus): RelayRecord {
  return { name, protocol, listen, target: joinHostPort(host, port) }
}
