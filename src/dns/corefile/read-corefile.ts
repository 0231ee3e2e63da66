/**
 * A Corefile to the configuration it means. What cannot be done here is refused by file, line and reason: a server that
 * quietly leaves something out answers differently from what was written.
 */
import type { BlockConfig } from '../chain/index.ts'
import type { Name } from '../wire/index.ts'
import { nameToText, ROOT } from '../wire/index.ts'
import { parseCorefile } from './parse-corefile.ts'
import { readCache } from './read-cache.ts'
import { readForward } from './read-forward.ts'
import { readHosts } from './read-hosts.ts'
import { readKubernetes } from './read-kubernetes.ts'
import { readRewrite } from './read-rewrite.ts'
import { readTemplate } from './read-template.ts'
import type { Directive, ServerBlock } from './syntax.ts'
import { refuse } from './syntax.ts'
import { address, duration, noArguments, noBlock, pageAddress, refuseOption, whole, zonesOf } from './values.ts'

export type CorefileConfig = {
  readonly blocks: readonly BlockConfig[]
  readonly healthAddress?: string
  readonly readyAddress?: string
  readonly metricsAddress?: string
  readonly lameduckMilliseconds: number
  /** Undefined: never read again. */
  readonly reload?: { readonly intervalMilliseconds: number; readonly jitterMilliseconds: number }
  readonly maxUdpBytes?: number
}

export type CorefileOptions = {
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The text of a file; undefined if it cannot be read. */
  readonly readText: (path: string) => string | undefined
  readonly readFiles: (pattern: string, from: string) => readonly { readonly file: string; readonly text: string }[]
}

/** Why a plugin of CoreDNS has no place here; others are simply not known. */
const REFUSED: Readonly<Record<string, string>> = {
  acl: 'access is a matter of the network here',
  autopath: 'search paths are walked by the resolver of the pod',
  dnssec: 'answers are not signed',
  etcd: 'records come from the API server and from hosts only',
  file: 'records come from the API server and from hosts only',
  k8s_external: 'external names are not served',
  tls: 'this server listens on UDP and TCP only',
}

/** @throws SBX_DNS_COREFILE */
export function readCorefile(text: string, options: CorefileOptions): CorefileConfig {
  const draft: Draft = { lameduckMilliseconds: 0 }
  const blocks = parseCorefile(text, options).flatMap((block) => readBlock(block, draft, options))
  if (blocks.length === 0) refuse({ file: options.file, line: 1 }, 'there is no server block')
  refuseDuplicates(blocks, options.file)
  return { ...draft, blocks }
}

type Draft = { -readonly [K in keyof Omit<CorefileConfig, 'blocks'>]: CorefileConfig[K] }
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** One for each port its keys name. */
function readBlock(block: ServerBlock, draft: Draft, options: CorefileOptions): BlockConfig[] {
  const zonesByPort = new Map<number, Name[]>()
  for (const key of block.keys) {
    const { zones, port } = readKey(key, block)
    zonesByPort.set(port, [...(zonesByPort.get(port) ?? []), ...zones])
  }
  return [...zonesByPort].map(([port, zones]) => {
    const config = emptyBlock(zones, port)
    for (const directive of block.directives) readDirective(directive, config, { draft, options })
    return config
  })
}

function readKey(key: string, block: ServerBlock): { zones: readonly Name[]; port: number } {
  const parts = /^(?:(?<scheme>\w+):\/\/)?(?<zone>[^\s:]*?)(?::(?<port>\d+))?$/.exec(key)?.groups
  if (parts === undefined) refuse(block, `${key} is not ZONE or ZONE:PORT`)
  if (parts['scheme'] !== undefined && parts['scheme'] !== 'dns') {
    refuse(block, `this server speaks DNS over UDP and TCP only, not ${parts['scheme']}`)
  }
  const zone = parts['zone'] ?? ''
  return {
    zones: zone === '' ? [ROOT] : zonesOf(zone, block),
    port: parts['port'] === undefined ? 53 : whole(parts['port'], block, { from: 1, to: 65_535 }),
  }
}

type Block = Mutable<Omit<BlockConfig, 'forwards' | 'rewrites' | 'templates'>> & {
  forwards: BlockConfig['forwards'][number][]
  rewrites: BlockConfig['rewrites'][number][]
  templates: BlockConfig['templates'][number][]
}

function emptyBlock(zones: readonly Name[], port: number): Block {
  return {
    zones,
    port,
    bind: [],
    forwards: [],
    rewrites: [],
    templates: [],
    shuffle: false,
    loop: false,
    log: false,
    transferTo: [],
  }
}

type Context = { readonly draft: Draft; readonly options: CorefileOptions }

function readDirective(directive: Directive, block: Block, { draft, options }: Context): void {
  switch (directive.name) {
    case 'kubernetes':
      if (block.kubernetes !== undefined) refuse(directive, 'kubernetes once a server block')
      block.kubernetes = readKubernetes(directive, block.zones)
      return
    case 'forward':
      block.forwards.push(readForward(directive, options.readText))
      return
    case 'cache':
      block.cache = readCache(directive)
      return
    case 'hosts':
      block.hosts = readHosts(directive, options.readText)
      return
    case 'rewrite':
      block.rewrites.push(readRewrite(directive))
      return
    case 'template':
      block.templates.push(readTemplate(directive, block.zones))
      return
    case 'transfer':
      block.transferTo = readTransfer(directive)
      return
    case 'bind':
      noBlock(directive)
      block.bind = directive.args.map((text) => address(text, directive))
      return
    case 'loop':
      noArguments(directive)
      block.loop = true
      return
    case 'loadbalance':
      if (!['', 'round_robin'].includes(directive.args.join(' '))) {
        refuse(directive, `loadbalance knows round_robin only, not ${directive.args.join(' ')}`)
      }
      noBlock(directive)
      block.shuffle = true
      return
    case 'log':
      if (!['', '.'].includes(directive.args.join(' ')))
        refuse(directive, 'log takes neither formats nor single names here')
      noBlock(directive)
      block.log = true
      return
    case 'errors':
    case 'any':
      // Both are so anyway: failures are logged, and ANY is answered as RFC 8482 has it.
      if (directive.args.join(' ') !== 'stdout') noArguments(directive)
      noBlock(directive)
      return
    default:
      readServerDirective(directive, draft)
  }
}

function readServerDirective(directive: Directive, draft: Draft): void {
  switch (directive.name) {
    case 'health':
      draft.healthAddress = pageAddress(directive, ':8080')
      for (const option of directive.block ?? []) {
        if (option.name !== 'lameduck') refuseOption(option, 'health')
        draft.lameduckMilliseconds = duration(option.args[0], option)
      }
      return
    case 'ready':
      draft.readyAddress = pageAddress(directive, ':8181')
      for (const option of directive.block ?? []) {
        if (option.name !== 'monitor' || option.args.join(' ') !== 'until-ready') refuseOption(option, 'ready')
      }
      return
    case 'prometheus':
      noBlock(directive)
      draft.metricsAddress = pageAddress(directive, 'localhost:9153')
      return
    case 'reload': {
      noBlock(directive)
      const [interval, jitter] = directive.args
      const intervalMilliseconds = interval === undefined ? 30_000 : duration(interval, directive)
      const jitterMilliseconds = jitter === undefined ? intervalMilliseconds / 2 : duration(jitter, directive)
      if (intervalMilliseconds < 2000) refuse(directive, 'the interval of reload is at least 2s')
      draft.reload = {
        intervalMilliseconds,
        jitterMilliseconds: Math.min(jitterMilliseconds, intervalMilliseconds / 2),
      }
      return
    }
    case 'bufsize':
      noBlock(directive)
      draft.maxUdpBytes =
        directive.args.length === 0 ? 1232 : whole(directive.args[0], directive, { from: 512, to: 4096 })
      return
    default: {
      const why = REFUSED[directive.name]
      refuse(directive, `the plugin ${directive.name} is not supported${why === undefined ? '' : `: ${why}`}`)
    }
  }
}

function readTransfer(directive: Directive): readonly string[] {
  const to: string[] = []
  for (const option of directive.block ?? []) {
    if (option.name !== 'to') refuseOption(option, 'transfer')
    for (const text of option.args) to.push(text === '*' ? text : address(text, option))
  }
  return to.length > 0 ? to : refuse(directive, 'transfer needs to ADDRESS, or to *')
}

function refuseDuplicates(blocks: readonly BlockConfig[], file: string): void {
  const seen = new Set<string>()
  for (const { zones, port } of blocks) {
    for (const zone of zones) {
      const key = `${nameToText(zone)}:${port}`
      if (seen.has(key)) refuse({ file, line: 1 }, `${key} has more than one server block`)
      seen.add(key)
    }
  }
}
