/** Kubernetes objects from YAML or JSON files, as kubectl reads them: several documents a file, `List` unpacked. */
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { parseAllDocuments } from 'yaml'

import type { KubeList, KubeObject } from '#api'
import { messageOf, SignalboxError } from '#lib'

/**
 * Folders stand for the .yaml, .yml and .json files in them; `-` is standard input.
 *
 * @throws SBX_MANIFEST_UNREADABLE or SBX_MANIFEST_INVALID, naming file and document
 */
export function readManifests(paths: readonly string[]): KubeObject[] {
  return paths.flatMap(filesOf).flatMap((file) => parseManifests(readText(file), file))
}

export function parseManifests(text: string, file: string): KubeObject[] {
  // YAML 1.1 is what kubectl's parser speaks: `yes` is a boolean, `0644` octal.
  const documents = parseAllDocuments(text, { version: '1.1', uniqueKeys: true })
  if (!Array.isArray(documents)) return []
  return documents.flatMap((document, index) => {
    const where = `${file}, document ${index + 1}`
    const problem = document.errors[0]
    if (problem !== undefined) throw invalidManifest(where, messageOf(problem).split('\n', 1)[0] ?? '')
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return value === null || value === undefined ? [] : unpack(value, where)
  })
}

function unpack(value: unknown, where: string): KubeObject[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidManifest(where, 'is no object')
  const object = value as Partial<KubeObject> & Partial<KubeList<unknown>>
  if (typeof object.kind !== 'string' || typeof object.apiVersion !== 'string') {
    throw invalidManifest(where, 'has no apiVersion and kind')
  }
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    const kind = object.kind.slice(0, -'List'.length)
    const apiVersion = object.apiVersion
    return object.items.flatMap((item) =>
      unpack(kind === '' ? item : { apiVersion, kind, ...(item as Record<string, unknown>) }, where),
    )
  }
  if (typeof object.metadata?.name !== 'string' || object.metadata.name === '') {
    throw invalidManifest(where, `(${object.kind}) has no metadata.name`)
  }
  return [object as KubeObject]
}

function filesOf(path: string): string[] {
  if (path === '-') return [path]
  try {
    if (!statSync(path).isDirectory()) return [path]
    return readdirSync(path)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(path, name))
  } catch (cause) {
    throw new SignalboxError('SBX_MANIFEST_UNREADABLE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new SignalboxError('SBX_MANIFEST_UNREADABLE', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}

function invalidManifest(where: string, text: string): SignalboxError {
  return new SignalboxError('SBX_MANIFEST_INVALID', `${where}: ${text}`)
}
