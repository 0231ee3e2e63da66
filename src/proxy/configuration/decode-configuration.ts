/**
 * The text of a configuration file to its values. As kube-proxy does (OP-1): an unknown or duplicate field is a warning,
 * a value of a wrong type is an error. Where the file is silent, kube-proxy's default stands.
 */
import { parseDocument } from 'yaml'

import { messageOf, SignalboxError } from '#lib'
import { parseDuration } from './duration.ts'
import type { KubeProxyConfiguration } from './schema.ts'
import { API_VERSION, DEFAULT_CONFIGURATION, isSection, KIND, OPAQUE, typeOfField } from './schema.ts'

export type Decoded = {
  readonly configuration: KubeProxyConfiguration
  readonly warnings: readonly string[]
  /** Paths of the fields that the file names. */
  readonly given: ReadonlySet<string>
  readonly featureGates: Readonly<Record<string, boolean>>
}

/** Bytes; a real one is a few KiB. */
const LIMIT = 1024 * 1024

/** @throws SBX_PROXY_CONFIG naming the field */
export function decodeConfiguration(text: string): Decoded {
  const warnings: string[] = []
  const root = parse(text, warnings)
  const given = new Set<string>()
  const configuration = decodeSection(root, '', { warnings, given })
  return { configuration: configuration as KubeProxyConfiguration, warnings, given, featureGates: gatesOf(root) }
}

/** The same from nothing: all defaults. */
export function defaultConfiguration(): Decoded {
  return { configuration: DEFAULT_CONFIGURATION, warnings: [], given: new Set(), featureGates: {} }
}

function parse(text: string, warnings: string[]): Record<string, unknown> {
  if (text.length > LIMIT) throw wrong(`the file is longer than ${LIMIT} bytes`)
  // Keys that come twice are found by the strict reading and forgiven by the lenient one: the last counts.
  const strict = parseDocument(text)
  for (const { code, message } of strict.errors) {
    if (code === 'DUPLICATE_KEY') warnings.push(`a field is given twice: ${message.split('\n', 1)[0] ?? ''}`)
    else throw wrong(message.split('\n', 1)[0] ?? '')
  }
  let root: unknown
  try {
    root = parseDocument(text, { uniqueKeys: false }).toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw wrong(messageOf(error))
  }
  if (!isSection(root)) throw wrong('it is not a mapping')
  if (root['kind'] !== KIND) throw wrong(`kind is not ${KIND}`)
  if (root['apiVersion'] !== API_VERSION) throw wrong(`apiVersion is not ${API_VERSION}`)
  return root
}

type Context = { readonly warnings: string[]; readonly given: Set<string> }

function decodeSection(values: Record<string, unknown>, path: string, context: Context): Record<string, unknown> {
  const defaults = path === '' ? DEFAULT_CONFIGURATION : DEFAULT_CONFIGURATION[path as 'iptables']
  const out: Record<string, unknown> = { ...defaults }
  if (path === '') {
    for (const [name, value] of Object.entries(defaults)) if (isSection(value)) out[name] = { ...value }
  }
  for (const [name, value] of Object.entries(values)) {
    const at = path === '' ? name : `${path}.${name}`
    if (path === '' && (name === 'apiVersion' || name === 'kind' || isOpaque(name))) continue
    const type = typeOfField(at)
    if (type === undefined) {
      context.warnings.push(`unknown field ${at}`)
      continue
    }
    // Go takes null for "not given".
    if (value === null || value === undefined) continue
    if (type === 'section') {
      if (!isSection(value)) throw wrong(`${at} is not a mapping`)
      out[name] = decodeSection(value, at, context)
      continue
    }
    const decoded = decodeField(type, at, value)
    // Go cannot tell a zero from nothing, except where the field is a pointer: defaults fill it (HC-15).
    if ((decoded === '' || decoded === 0) && !isPointer(at)) continue
    context.given.add(at)
    out[name] = decoded
  }
  return out
}

export function decodeField(type: ReturnType<typeof typeOfField>, at: string, value: unknown): unknown {
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value
      break
    case 'boolean':
      if (typeof value === 'boolean') return value
      break
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return value
      break
    case 'duration': {
      const seconds = typeof value === 'string' ? parseDuration(value) : undefined
      if (seconds !== undefined) return seconds
      break
    }
    case 'strings':
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
      break
    case 'section':
    case undefined:
      break
  }
  throw wrong(`${at} is not a ${type === 'strings' ? 'list of strings' : (type ?? 'field')}`)
}

function gatesOf(root: Record<string, unknown>): Readonly<Record<string, boolean>> {
  const gates = root['featureGates'] ?? {}
  if (!isSection(gates) || Object.values(gates).some((value) => typeof value !== 'boolean')) {
    throw wrong('featureGates is not a mapping of booleans')
  }
  return gates as Record<string, boolean>
}

/** Fields where an explicit 0 stands. */
function isPointer(path: string): boolean {
  return path.startsWith('conntrack.') || path.endsWith('.masqueradeBit') || path === 'oomScoreAdj'
}

function isOpaque(name: string): boolean {
  return (OPAQUE as readonly string[]).includes(name)
}

function wrong(message: string): SignalboxError {
  return new SignalboxError('SBX_PROXY_CONFIG', `proxy configuration: ${message}`)
}
