import assert from 'node:assert/strict'
import { test } from 'node:test'

import { hasCode } from '#lib'
import { discoverNamespaced } from './discover-namespaced.ts'

const ALL = ['create', 'delete', 'get', 'list']
const entry = (name: string, rest: object = {}): object => ({ name, kind: 'K', namespaced: true, verbs: ALL, ...rest })
const PATHS: Readonly<Record<string, object>> = {
  '/api/v1': { resources: [entry('pods'), entry('pods/status'), entry('nodes', { namespaced: false })] },
  '/apis': {
    groups: [
      {
        preferredVersion: { groupVersion: 'shop.example.com/v1' },
        versions: [{ groupVersion: 'shop.example.com/v1' }, { groupVersion: 'shop.example.com/v1beta1' }],
      },
      { preferredVersion: { groupVersion: 'gone.example.com/v1' } },
    ],
  },
  '/apis/shop.example.com/v1': { resources: [entry('widgets'), entry('reviews', { verbs: ['create'] })] },
  '/apis/shop.example.com/v1beta1': { resources: [entry('widgets'), entry('oldies')] },
}

function clientOf(paths: Readonly<Record<string, object>>, missing = 404): Parameters<typeof discoverNamespaced>[0] {
  return {
    raw: async (path) =>
      Object.hasOwn(paths, path)
        ? { status: 200, body: JSON.stringify(paths[path]) }
        : { status: missing, body: '404 page not found' },
  }
}

test('each namespaced resource that can be emptied is found once, custom ones in their preferred version', async () => {
  const found = await discoverNamespaced(clientOf(PATHS))
  assert.deepEqual(
    found.map(({ group, version, resource }) => `${group}/${version}/${resource}`),
    ['/v1/pods', 'shop.example.com/v1/widgets', 'shop.example.com/v1beta1/oldies'],
  )
})

test('a group that does not answer is an error, so that its objects are not taken for none', async () => {
  await assert.rejects(discoverNamespaced(clientOf(PATHS, 503)), (error) => hasCode(error, 'SBX_API_UNAVAILABLE'))
})
