/**
 * A server block's chain: the order of its parts is fixed and this file is it (CoreDNS plugin.cfg has the same):
 * rewrite, template, transfer, hosts, kubernetes, loop, forward, else REFUSED.
 *
 * Only upstreams' replies are cached. The zone is complete in memory and answers for itself, so that a change is seen as
 * soon as the watch reports it, whatever `cache` says.
 */
import type { Clock } from '#lib'
import type { CacheObserver, Forwarder, ForwardObserver } from '../forward/index.ts'
import { createCachedForwarder, createForwarder, DEFAULT_FORWARD_LIMITS } from '../forward/index.ts'
import type { ForwardLimits } from '../forward/index.ts'
import type { Zone } from '../records/index.ts'
import { createZone } from '../records/index.ts'
import type { Resolver, Step } from '../resolve.ts'
import { failure } from '../resolve.ts'
import type { Name } from '../wire/index.ts'
import { CLASS, RCODE, ROOT, TYPE } from '../wire/index.ts'
import type { BlockConfig, ForwardConfig } from './block-config.ts'
import type { ForwardRoute } from './forward-step.ts'
import { createForwardStep } from './forward-step.ts'
import { createHostsStep } from './hosts-step.ts'
import type { LoopGuard } from './loop-guard.ts'
import { createLoopGuard } from './loop-guard.ts'
import { createRewriteStep } from './rewrite-step.ts'
import { createTemplateStep } from './template-step.ts'
import { createTransferStep } from './transfer-step.ts'
import { createZoneStep } from './zone-step.ts'

export type Chain = {
  readonly config: BlockConfig
  readonly resolve: Resolver
  readonly zone: Zone | undefined
  /** Another one whenever a stable answer may have become another one. */
  readonly version: () => number
  /** Entries of the cache of upstreams' replies. */
  readonly cacheSizes: () => { readonly success: number; readonly denial: number }
  /** After the server listens. */
  start(): void
}

export type ChainOptions = {
  readonly clock: Clock
  /** Must not be predictable. */
  readonly random: (below: number) => number
  readonly signal: AbortSignal
  readonly limits: ForwardLimits
  readonly ownAddresses: readonly string[]
  readonly forwardObserver?: ForwardObserver
  readonly cacheObserver?: CacheObserver
  readonly onLoop: () => void
}

export function createChain(config: BlockConfig, options: ChainOptions): Chain {
  const { clock } = options
  const zone =
    config.kubernetes === undefined
      ? undefined
      : createZone({
          ...config.kubernetes,
          ownAddresses: options.ownAddresses,
          now: () => Math.floor(clock.now() / 1000),
        })
  const caches: (() => { success: number; denial: number })[] = []
  const bare = config.forwards.map((forward) => bareForwarder(forward, options))
  const routes = config.forwards.map((forward, i): ForwardRoute => {
    const forwarder = bare[i] as Forwarder
    const { from, except } = forward
    if (config.cache === undefined) return { from, except, forwarder }
    const observer = options.cacheObserver === undefined ? {} : { observer: options.cacheObserver }
    const cached = createCachedForwarder({ forwarder, config: config.cache, clock, ...observer })
    caches.push(() => cached.sizes())
    return { from, except, forwarder: cached }
  })
  const guards = config.loop ? guardsOf(config, bare, options) : []

  const steps: Step[] = []
  if (config.templates.length > 0) steps.push(createTemplateStep(config.templates))
  if (zone !== undefined) steps.push(createTransferStep(zone, config.transferTo))
  if (config.hosts !== undefined) steps.push(createHostsStep(config.hosts))
  const { kubernetes } = config
  if (zone !== undefined) steps.push(createZoneStep(zone, { fallthrough: kubernetes?.fallthrough === true, routes }))
  for (const { step } of guards) steps.push(step)
  if (routes.length > 0) steps.push(createForwardStep(routes))
  const all = inOrder(steps)
  const rest = config.rewrites.length > 0 ? createRewriteStep(config.rewrites, all) : all

  return {
    config,
    zone,
    version: () => zone?.version ?? 0,
    cacheSizes: () => {
      const sizes = caches.map((size) => size())
      return {
        success: sizes.reduce((sum, { success }) => sum + success, 0),
        denial: sizes.reduce((sum, { denial }) => sum + denial, 0),
      }
    },
    start: () => {
      for (const guard of guards) guard.start()
    },
    resolve: (query, client) => {
      const { question } = query
      if (question.class !== CLASS.IN) return refused
      if (question.type === TYPE.IXFR && zone === undefined) return refused
      return rest(query, client) ?? refused
    },
  }
}

const refused = { ...failure(RCODE.REFUSED, false), stable: true }

function inOrder(steps: readonly Step[]): Step {
  return (query, client) => {
    for (const step of steps) {
      const result = step(query, client)
      if (result !== undefined) return result
    }
    return undefined
  }
}

function bareForwarder(forward: ForwardConfig, options: ChainOptions): Forwarder {
  const { clock, random, signal } = options
  const { upstreams, policy, forceTcp, healthChecked, maxConcurrent, expireMilliseconds, probeMilliseconds } = forward
  const limits: ForwardLimits = {
    ...DEFAULT_FORWARD_LIMITS,
    ...options.limits,
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(expireMilliseconds === undefined ? {} : { expireMilliseconds }),
    ...(probeMilliseconds === undefined ? {} : { probeMilliseconds }),
  }
  const observer = options.forwardObserver === undefined ? {} : { observer: options.forwardObserver }
  return createForwarder({ upstreams, policy, forceTcp, healthChecked, limits, clock, random, signal, ...observer })
}

function guardsOf(config: BlockConfig, forwarders: readonly Forwarder[], options: ChainOptions): LoopGuard[] {
  const { clock, signal, onLoop } = options
  return forwarders.map((forwarder, i) => {
    const zone: Name = config.forwards[i]?.from ?? ROOT
    return createLoopGuard({ zone, forwarder, clock, signal, onLoop })
  })
}
