/** Label and field selectors as the fake understands them: the forms in use here (api-server.md 14.1). */
import type { KubeObject } from '#api'

export function matchesLabels(object: KubeObject, selector: string | undefined): boolean {
  const labels = object.metadata.labels ?? {}
  return requirements(selector).every((part) => {
    if (part.startsWith('!')) return labels[part.slice(1)] === undefined
    const [key = '', operator, value] = splitRequirement(part)
    if (operator === undefined) return labels[key] !== undefined
    return operator === '!=' ? labels[key] !== value : labels[key] === value
  })
}

export function matchesFields(object: KubeObject, selector: string | undefined): boolean {
  return requirements(selector).every((part) => {
    const [path = '', operator, value] = splitRequirement(part)
    const found = path
      .split('.')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], object)
    return operator === '!=' ? (found ?? '') !== value : (found ?? '') === value
  })
}

function requirements(selector: string | undefined): readonly string[] {
  return (selector ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function splitRequirement(part: string): readonly (string | undefined)[] {
  const match = /^([^=!]+?)\s*(!=|==|=)\s*(.*)$/.exec(part)
  return match === null ? [part] : [match[1], match[2], match[3]]
}
