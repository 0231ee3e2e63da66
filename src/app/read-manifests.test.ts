import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { hasCode } from '#lib'

import { parseManifests, readManifests } from './read-manifests.ts'

test('several documents, empty ones and lists are unpacked in order', () => {
  const text = `
# nothing
---
{apiVersion: v1, kind: Pod, metadata: {name: a}}
---
apiVersion: v1
kind: PodList
items: [{metadata: {name: b}}]
---
`
  assert.deepEqual(
    parseManifests(text, 'f').map(({ kind, metadata }) => [kind, metadata.name]),
    [
      ['Pod', 'a'],
      ['Pod', 'b'],
    ],
  )
})

test('YAML 1.1: what kubectl reads as a boolean or an octal number is read so here', () => {
  const [object] = parseManifests('{apiVersion: v1, kind: X, metadata: {name: a}, on: yes, mode: 0644}', 'f')
  assert.deepEqual(object && (object as unknown as Record<string, unknown>)['mode'], 0o644)
})

const bad: readonly (readonly [string, string, RegExp])[] = [
  ['a document that is no object', 'just text', /f, document 1: is no object/],
  ['no kind', '{apiVersion: v1, metadata: {name: a}}', /f, document 1: has no apiVersion and kind/],
  ['no name', '{apiVersion: v1, kind: Pod, metadata: {}}', /\(Pod\) has no metadata.name/],
  [
    'broken YAML in the second document',
    '{apiVersion: v1, kind: Pod, metadata: {name: a}}\n---\na: [1',
    /f, document 2/,
  ],
  ['a key given twice', 'apiVersion: v1\nkind: Pod\nkind: Pod\nmetadata: {name: a}', /f, document 1.*unique/],
]

for (const [name, text, expected] of bad) {
  test(`${name} is named with file and document`, () => {
    assert.throws(
      () => parseManifests(text, 'f'),
      (error: Error) => hasCode(error, 'SBX_MANIFEST_INVALID') && expected.test(error.message),
    )
  })
}

test('a folder stands for its manifests, in name order; a missing file is named', () => {
  const dir = mkdtempSync(join(tmpdir(), 'signalbox-manifests-'))
  try {
    for (const name of ['b.yaml', 'a.json', 'ignored.txt']) {
      writeFileSync(join(dir, name), `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "${name}"}}`)
    }
    assert.deepEqual(
      readManifests([dir]).map(({ metadata }) => metadata.name),
      ['a.json', 'b.yaml'],
    )
    assert.throws(() => readManifests([join(dir, 'none.yaml')]), /cannot read .*none\.yaml/)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
