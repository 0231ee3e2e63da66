/** A configuration as the YAML that `--config` reads (OP-9). */
import { stringify } from 'yaml'

import { formatDuration } from './duration.ts'
import type { KubeProxyConfiguration } from './schema.ts'
import { API_VERSION, isSection, KIND, typeOfField } from './schema.ts'

export function printConfiguration(configuration: KubeProxyConfiguration): string {
  return stringify({ apiVersion: API_VERSION, kind: KIND, ...outward(configuration, '') }, { sortMapEntries: true })
}

/** Durations in Go's notation: what a file says, and what /configz shows. */
export function configurationObject(configuration: KubeProxyConfiguration): Readonly<Record<string, unknown>> {
  return outward(configuration, '')
}

function outward(section: object, path: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(section).map(([name, value]: [string, unknown]) => {
      const at = path === '' ? name : `${path}.${name}`
      if (isSection(value)) return [name, outward(value, at)]
      return [name, typeOfField(at) === 'duration' ? formatDuration(value as number) : value]
    }),
  )
}
