import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { KubeObject, Pod, Service } from '#api'
import { objectKey } from '#api'
import type { Informer, InformerEvent } from '#watch'
import { samplePod, sampleService } from '../testing/sample-objects.ts'
import { matchesSelector } from './match-labels.ts'
import { createSelectionIndex } from './selection-index.ts'

/** An informer that is told by hand. */
function manualInformer<T extends KubeObject>(): Informer<T> & { set: (key: string, after: T | undefined) => void } {
  const items = new Map<string, T>()
  const listeners: ((event: InformerEvent<T>) => void)[] = []
  return {
    synced: Promise.resolve(),
    hasSynced: true,
    items,
    get: (key) => items.get(key),
    onChange: (listener) => {
      listeners.push(listener)
      return () => undefined
    },
    set: (key, after) => {
      const before = items.get(key)
      if (after === undefined) items.delete(key)
      else items.set(key, after)
      for (const listener of listeners) listener({ key, before, after })
    },
  }
}

test('whatever was added, relabelled and removed, the index finds what a walk over all finds', () => {
  const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'), { maxKeys: 3 })
  const step = fc.record({
    kind: fc.constantFrom('pod', 'service'),
    name: fc.constantFrom('x', 'y', 'z'),
    labels: fc.option(labels, { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const pods = manualInformer<Pod>()
      const services = manualInformer<Service>()
      const index = createSelectionIndex(services, pods)
      for (const one of steps) {
        const key = `default/${one.name}`
        const base = samplePod(one.name)
        if (one.kind === 'service') {
          services.set(key, one.labels === undefined ? undefined : sampleService(one.name, { selector: one.labels }))
        } else {
          pods.set(
            key,
            one.labels === undefined ? undefined : { ...base, metadata: { ...base.metadata, labels: one.labels } },
          )
        }
      }
      const selects = (service: Service, pod: Pod): boolean => {
        const selector = service.spec.selector ?? {}
        return Object.keys(selector).length > 0 && matchesSelector(selector, pod.metadata.labels)
      }
      for (const service of services.items.values()) {
        const expected = [...pods.items.values()].filter((pod) => selects(service, pod)).map(objectKey)
        assert.deepEqual(index.podsOf(service).map(objectKey).sort(), expected.sort())
      }
      for (const pod of pods.items.values()) {
        const expected = [...services.items.values()].filter((service) => selects(service, pod)).map(objectKey)
        assert.deepEqual([...index.servicesOf('default', pod.metadata.labels)].sort(), expected.sort())
        assert.deepEqual(index.servicesOf('other', pod.metadata.labels), [])
      }
    }),
    { numRuns: 150 },
  )
})
