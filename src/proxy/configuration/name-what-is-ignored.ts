/** Settings that were given and change nothing here: each is named, none is silently dropped. */
import type { Decoded } from './decode-configuration.ts'

const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  'clientConnection.acceptContentTypes': 'JSON is spoken with the API server',
  'clientConnection.contentType': 'JSON is spoken with the API server',
  'clientConnection.qps': 'requests are not throttled: the proxy lists and watches',
  'clientConnection.burst': 'requests are not throttled: the proxy lists and watches',
  enableProfiling: 'there is no profiler to serve',
  showHiddenMetricsForVersion: 'no metric is hidden',
  configSyncPeriod: 'lists are repeated when the API server asks for it',
  portRange: 'it has no meaning on Linux',
  windowsRunAsService: 'it has no meaning on Linux',
}

export function ignoredSettings({ configuration, given, featureGates }: Decoded, mode: string): readonly string[] {
  const ignored = [...given].filter((path) => Object.hasOwn(WITHOUT_EFFECT, path) && !isZero(configuration, path))
  const ipvs =
    mode === 'ipvs' ? [] : [...given].filter((path) => path.startsWith('ipvs.') && !isZero(configuration, path))
  return [
    ...ignored.map((path) => `${path} has no effect: ${WITHOUT_EFFECT[path] ?? ''}`),
    ...ipvs.map((path) => `${path} has no effect in mode ${mode}`),
    ...Object.keys(featureGates).map((gate) => `feature gate ${gate} has no effect`),
  ]
}

/** Generated files list fields at their zero value. */
function isZero(configuration: Decoded['configuration'], path: string): boolean {
  const [section = '', field] = path.split('.')
  const at = (configuration as Record<string, unknown>)[section]
  const value = field === undefined ? at : (at as Record<string, unknown>)[field]
  return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0)
}
