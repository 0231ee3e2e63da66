/** Flags over a configuration. With a file, only the name of the node is taken from them (OP-5). */
import { SignalboxError } from '#lib'
import type { Decoded } from './decode-configuration.ts'
import { decodeField } from './decode-configuration.ts'
import { CONFIGURATION_FLAGS, typeOfFlag } from './flags.ts'
import type { KubeProxyConfiguration } from './schema.ts'

/** By name without dashes, as text; a switch without a value is `true`. */
export type GivenFlags = Readonly<Record<string, string | boolean>>

export function applyFlags(decoded: Decoded, flags: GivenFlags, fromFile: boolean): Decoded {
  const given = new Set(decoded.given)
  const warnings = [...decoded.warnings]
  let configuration = decoded.configuration
  for (const [name, text] of Object.entries(flags)) {
    const fields = CONFIGURATION_FLAGS[name]
    if (fields === undefined) throw new SignalboxError('SBX_CLI_USAGE', `there is no flag --${name}`)
    if (fromFile && name !== 'hostname-override') {
      warnings.push(`--${name} is ignored, because --config is given`)
      continue
    }
    const value = readFlag(name, typeOfFlag(name), text)
    for (const path of fields) {
      configuration = withField(configuration, path, value)
      given.add(path)
    }
  }
  return { ...decoded, configuration, warnings, given }
}

/** @throws SBX_CLI_USAGE */
function readFlag(name: string, type: ReturnType<typeof typeOfFlag>, given: string | boolean): unknown {
  const text = String(given)
  try {
    switch (type) {
      case 'boolean':
        return decodeField(type, name, text === 'true' ? true : text === 'false' ? false : text)
      case 'number':
        return decodeField(type, name, text.trim() === '' ? text : Number(text))
      case 'strings':
        return text === '' ? [] : text.split(',').map((part) => part.trim())
      case 'string':
      case 'duration':
      case 'section':
        return decodeField(type, name, text)
    }
  } catch {
    throw new SignalboxError('SBX_CLI_USAGE', `--${name}: "${text}" is not a ${type}`)
  }
}

function withField(configuration: KubeProxyConfiguration, path: string, value: unknown): KubeProxyConfiguration {
  const [section = '', field] = path.split('.')
  if (field === undefined) return { ...configuration, [section]: value }
  return {
    ...configuration,
    [section]: { ...(configuration as unknown as Record<string, object>)[section], [field]: value },
  }
}
