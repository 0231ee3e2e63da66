/**
 * The first process of a box, inside its sandbox: builds the network, starts every role in its namespace, brings in what
 * the box itself needs, tells the supervisor when all of it serves, and then keeps the roles running.
 *
 * It ends with its IPC channel, should the supervisor vanish before the kernel has carried its death here.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { runCommand } from '#kernel'
import {
  availableFamilies,
  buildNetwork,
  KUBELET_PORT,
  planTopology,
  relayAllows,
  RUNTIME_DIR,
  startRelayInside,
} from '#lab'
import type { Topology } from '#lab'
import type { Logger } from '#lib'
import { hasCode, joinHostPort, messageOf, SignalboxError, systemClock } from '#lib'
import type { ApiClient } from '#watch'
import { connectApi, writeKubeconfig } from '#watch'

import { applyObjects } from '../apply-objects.ts'
import { createLogger } from '../create-logger.ts'
import { chooseMode } from '../modes.ts'
import { selfCommand } from '../self-command.ts'
import { addonObjects } from './addons.ts'
import type { BoxContext } from './box-context.ts'
import { credentialPath, runtimeLayout, stateLayout } from './box-layout.ts'
import type { Credentials } from './credentials.ts'
import { loadCredentials } from './credentials.ts'
import type { BoxConfig, BoxInfo, FromInit } from './messages.ts'
import { BOX_CONFIG_VARIABLE } from './messages.ts'
import { createRoleProcesses } from './role-processes.ts'
import { startRoles } from './start-roles.ts'
import { waitUntilServing } from './wait-until-serving.ts'

export async function runBoxInit(): Promise<void> {
  const logger = createLogger('box')
  process.on('disconnect', () => process.exit(1))
  try {
    const wanted = JSON.parse(process.env[BOX_CONFIG_VARIABLE] ?? '{}') as BoxConfig
    delete process.env[BOX_CONFIG_VARIABLE]
    const config = { ...wanted, mode: await chooseMode(wanted.mode) }
    tell({ type: 'ready', info: await bringUp(config, logger) })
  } catch (error) {
    const code = error instanceof SignalboxError ? error.code : 'SBX_BOX_FAILED'
    tell({ type: 'failed', code, message: messageOf(error) })
  }
}

function tell(message: FromInit): void {
  process.send?.(message)
}

async function bringUp(config: BoxConfig, logger: Logger): Promise<BoxInfo> {
  const progress = (text: string): void => tell({ type: 'progress', text })
  const stateDir = config.stateDir ?? runtimeLayout.state
  for (const dir of [stateDir, runtimeLayout.credentials, runtimeLayout.logs])
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  const state = stateLayout(stateDir)

  progress(`building a network of ${config.nodes} nodes`)
  const topology = planTopology({ nodes: config.nodes, families: await availableFamilies() })
  await buildNetwork(topology)
  const credentials = loadCredentials(
    state.tokens,
    topology.nodes.map((node) => node.name),
  )
  const roles = createRoleProcesses({
    logDir: runtimeLayout.logs,
    selfCommand: selfCommand(),
    clock: systemClock,
    logger,
  })

  progress('starting the API server')
  const context = { config, topology, credentials, roles, stateDir }
  const starting = startRoles(context)
  starting.apiServer()
  const connected = await connectWhenUp(context)
  writeKubeconfigs(context, connected.ca)

  progress('starting controllers, nodes and proxies')
  starting.others()
  await startRelayInside({
    runtimeDir: RUNTIME_DIR,
    allows: relayAllows(topology, KUBELET_PORT),
    clock: systemClock,
    logger,
  })
  await retryUntilAccepted(() => applyObjects(connected.client, addonObjects(topology, config.upstreams)))

  progress('waiting for nodes, rules and DNS')
  await waitUntilServing({
    client: connected.client,
    topology,
    mode: config.mode,
    clock: systemClock,
    runOnHost: runCommand,
  })
  return { mode: config.mode, ...infoOf(topology, connected.ca, credentials) }
}

const START_TIMEOUT = 30_000
const POLL = 25

async function connectWhenUp(context: BoxContext): Promise<{ client: ApiClient; ca: string }> {
  const caFile = join(stateLayout(context.stateDir).apiServer, 'pki', 'ca.crt')
  const deadline = systemClock.monotonic() + START_TIMEOUT
  let last = 'no certificate yet'
  for (;;) {
    if (existsSync(caFile)) {
      const ca = readFileSync(caFile, 'utf8')
      const client = connectApi(
        {
          server: apiUrl(context.topology),
          ca,
          namespace: 'default',
          authorization: bearer(context.credentials, 'admin'),
        },
        { clock: systemClock, userAgent: 'signalbox-box', timeout: 10_000 },
      )
      try {
        const { status } = await client.raw('/readyz')
        if (status === 200) return { client, ca }
        last = `/readyz answers ${status}`
      } catch (error) {
        last = messageOf(error)
      }
    }
    if (systemClock.monotonic() > deadline) {
      throw new SignalboxError('SBX_BOX_FAILED', `the API server did not become ready: ${last}${logTail('apiserver')}`)
    }
    await systemClock.sleep(POLL)
  }
}

function bearer(credentials: Credentials, name: string): () => string {
  const token = credentials.get(name)?.token ?? ''
  return () => `Bearer ${token}`
}

function apiUrl(topology: Topology): string {
  const host = topology.controlPlane.addresses.IPv4 ?? topology.controlPlane.addresses.IPv6 ?? ''
  return `https://${joinHostPort(host, topology.apiPort)}`
}

function writeKubeconfigs(context: BoxContext, ca: string): void {
  for (const [name, { token }] of context.credentials) {
    writeKubeconfig(credentialPath(name), { name, server: apiUrl(context.topology), ca, token })
  }
}

/** The namespaces and accounts that admission asks for are made by controllers that may still be starting. */
async function retryUntilAccepted(apply: () => Promise<unknown>): Promise<void> {
  const deadline = systemClock.monotonic() + START_TIMEOUT
  for (;;) {
    try {
      await apply()
      return
    } catch (error) {
      const later = ['SBX_API_FORBIDDEN', 'SBX_API_NOT_FOUND', 'SBX_API_UNAVAILABLE', 'SBX_API_CONFLICT'] as const
      if (!later.some((code) => hasCode(error, code)) || systemClock.monotonic() > deadline) throw error
    }
    await systemClock.sleep(POLL)
  }
}

/** The last lines of a role's log, for a failure that the log explains. */
function logTail(role: string): string {
  const file = join(runtimeLayout.logs, `${role}.log`)
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-3).join(' | ') : ''
  return lines === '' ? '' : `; its log ends with: ${lines}`
}

function infoOf(topology: Topology, ca: string, credentials: Credentials): Omit<BoxInfo, 'mode'> {
  const { controlPlane } = topology
  return {
    families: topology.families,
    nodes: topology.nodes.map((node) => ({
      name: node.name,
      addresses: Object.values(node.addresses),
      podCIDRs: Object.values(node.podCidrs),
    })),
    outside: topology.client.addresses,
    apiServer: { host: controlPlane.addresses.IPv4 ?? controlPlane.addresses.IPv6 ?? '', port: topology.apiPort },
    ca,
    adminToken: credentials.get('admin')?.token ?? '',
  }
}
