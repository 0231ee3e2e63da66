/** `signalbox proxy`: one node's proxy against any API server, with this host's kernel. */
import { writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'

import { createIptablesBackend } from '#backends/iptables'
import { createNftablesBackend } from '#backends/nftables'
import type { Backend } from '#backends/shared'
import type { Logger } from '#lib'
import { SignalboxError, systemClock } from '#lib'
import { configurationObject, createEventRecorder, printConfiguration, runProxy, toProxyConfig } from '#proxy'
import { watchCluster } from '#watch'

import { connectRole } from '../connect-role.ts'
import { createLogger } from '../create-logger.ts'
import type { KnownMode } from '../modes.ts'
import { chooseMode } from '../modes.ts'
import { stopSignal } from '../stop-signal.ts'
import { cleanUpNode } from './proxy/clean-up-node.ts'
import type { ProxyRoleOptions, ProxySettings } from './proxy/load-settings.ts'
import { loadSettings } from './proxy/load-settings.ts'
import type { Doors } from './proxy/open-doors.ts'
import { openDoors, openFlowTables } from './proxy/open-doors.ts'
import { adjustOomScore, isTcpLiberal, prepareConntrack, writeWhatDiffers } from './proxy/prepare-host.ts'
import { watchConfigFile } from './proxy/watch-config-file.ts'

export async function runProxyRole(options: ProxyRoleOptions): Promise<void> {
  const settings = await loadSettings(options)
  if (options.writeConfigTo !== undefined) {
    await writeFile(options.writeConfigTo, printConfiguration(settings.configuration), { mode: 0o600 })
    return
  }
  const logger = createLogger('proxy', logEnvironment(options.verbosity))
  for (const warning of settings.warnings) logger.warn('proxy setting', { warning })
  const doors = await openDoors()
  try {
    if (options.cleanup) await cleanUpAndReport(doors, logger)
    else await prepareAndRun({ ...options, settings, doors, logger })
  } finally {
    doors.close()
  }
}

type Running = ProxyRoleOptions & {
  readonly settings: ProxySettings
  readonly doors: Doors
  readonly logger: Logger
}

async function prepareAndRun(running: Running): Promise<void> {
  const { configuration, mode: wanted } = running.settings
  const mode = await chooseMode(wanted)
  await prepareConntrack(configuration.conntrack, running.logger, running.initOnly)
  if (mode === 'iptables') await runWith(running.doors.iptables.map(createIptablesBackend), mode, running)
  else await runWith(running.doors.nftables.map(createNftablesBackend), mode, running)
}

async function runWith<S, F, T, L>(
  backends: readonly Backend<S, F, T, L>[],
  mode: KnownMode,
  running: Running,
): Promise<void> {
  const { settings, doors, logger, config, initOnly, master } = running
  const { configuration, nodeName, kubeconfig } = settings
  await requireUsable(backends, mode)
  if (initOnly) {
    // TG-29: the run that follows may lack the right.
    const localhost = mode === 'iptables' && configuration.iptables.localhostNodePorts
    if (localhost) await writeWhatDiffers([{ path: 'net/ipv4/conf/all/route_localnet', value: '1' }])
    return
  }
  await adjustOomScore(configuration.oomScoreAdj, logger)
  const ended = new AbortController()
  const signal = AbortSignal.any([stopSignal(), ended.signal])
  const client = connectRole({
    component: 'signalbox-proxy',
    clock: systemClock,
    signal,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(master === undefined ? {} : { server: master }),
  })
  const onEvent = createEventRecorder({ client, nodeName, clock: systemClock, logger })
  const conntrack = await openFlowTables(doors.families, logger)
  onEvent({ type: 'Normal', reason: 'Starting', message: `signalbox proxy, mode ${mode}` })
  const proxy = runProxy({
    changes: watchCluster({ client, nodeName, clock: systemClock, logger, signal }),
    nodeName,
    config: toProxyConfig({
      configuration,
      mode,
      serviceCIDRs: running.serviceCidrs,
      beLiberal: await isTcpLiberal(),
    }),
    backends,
    clock: systemClock,
    logger,
    signal,
    writeSysctls: writeWhatDiffers,
    hostAddresses,
    rulesetWatch: doors.watch,
    conntrack,
    onEvent,
    configz: configurationObject({ ...configuration, mode }),
    onSynced: () => {
      logger.info('all services are programmed', { node: nodeName, mode })
      void removeOtherModes(doors, mode, logger)
    },
  })
  const watching = config === undefined ? [] : [watchConfigFile(config, systemClock, signal)]
  try {
    await Promise.race([proxy, ...watching.map((watch) => watch.then(() => proxy))])
  } finally {
    ended.abort()
    await Promise.allSettled([proxy, ...watching])
    for (const door of conntrack) door.close()
  }
}

async function requireUsable<S, F, T, L>(backends: readonly Backend<S, F, T, L>[], mode: KnownMode): Promise<void> {
  const code = mode === 'iptables' ? 'SBX_CAPABILITY_IPTABLES' : 'SBX_CAPABILITY_NFTABLES'
  if (backends.length === 0) throw new SignalboxError(code, 'this process cannot speak netlink')
  for (const backend of backends) {
    const [lack] = await backend.probe()
    if (lack !== undefined) throw new SignalboxError(code, `${lack.name}: ${lack.detail}`)
  }
}

/** @throws SBX_PROXY_CLEANUP if anything of ours may remain */
async function cleanUpAndReport(doors: Doors, logger: Logger): Promise<void> {
  const { chains, tables, failures } = await cleanUpNode(doors)
  logger.info('rules removed', { chains, tables })
  if (failures.length > 0)
    throw new SignalboxError('SBX_PROXY_CLEANUP', `not all rules are gone: ${failures.join('; ')}`)
}

/** Failures are logged and ignored, as in kube-proxy (OP-13): the rules in use are there already. */
async function removeOtherModes(doors: Doors, mode: KnownMode, logger: Logger): Promise<void> {
  const others = mode === 'iptables' ? { ...doors, iptables: [] } : { ...doors, nftables: [] }
  const { chains, tables, failures } = await cleanUpNode(others)
  if (chains + tables > 0) logger.info('rules of another mode removed', { chains, tables })
  if (failures.length > 0) logger.warn('rules of another mode may remain', { failures })
}

function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address))
}

/** klog's levels to ours, unless the environment says more. */
function logEnvironment(verbosity: string | undefined): NodeJS.ProcessEnv {
  const level = Number(verbosity ?? '0')
  const name = level >= 5 ? 'trace' : level >= 2 ? 'debug' : 'info'
  return { SIGNALBOX_LOG: name, ...process.env }
}
