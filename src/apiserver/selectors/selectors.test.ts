/** Label and field selectors (api-server.md 14.1). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'

import { SERVICES } from '#api'
import {
  checkFieldSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  pinnedName,
} from './index.ts'

function matches(text: string, labels: Record<string, string>): boolean {
  const parsed = parseLabelSelector(text)
  if ('refusal' in parsed) throw new Error(parsed.refusal.message)
  return matchesLabels(parsed.selector, labels)
}

describe('label selectors', () => {
  it('matches every operator, a missing key counting as not equal', () => {
    const labels = { app: 'web', tier: 'b', n: '5', 'x.io/y': '' }
    const yes = [
      '',
      'app',
      '!no',
      'app=web',
      'app==web',
      'app!=x',
      'no!=x',
      'app in (a,web)',
      'tier notin (a, c)',
      'no notin (a)',
      'n>4',
      'n<6',
      'x.io/y',
      'x.io/y=',
      'app=web,tier=b,!no',
    ]
    const no = ['!app', 'app=x', 'no=x', 'app!=web', 'app in (a)', 'app notin (web)', 'n>5', 'tier<3', 'app=web,no']
    for (const text of yes) assert.ok(matches(text, labels), text)
    for (const text of no) assert.ok(!matches(text, labels), text)
  })

  it('refuses what it cannot read', () => {
    for (const text of ['a=b=c', 'a in b', 'a in (b', '(a)', 'a>x', '-bad', 'a=b c', 'a,,b', ',']) {
      const parsed = parseLabelSelector(text)
      assert.ok('refusal' in parsed, text)
      assert.match(parsed.refusal.message ?? '', /^unable to parse requirement: /)
    }
  })
})

describe('field selectors', () => {
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'n' } }
  const fields = (): Record<string, string> => ({ 'spec.type': 'ClusterIP' })
  const test = (text: string): boolean => {
    const parsed = parseFieldSelector(text)
    if ('refusal' in parsed) throw new Error(parsed.refusal.message)
    return matchesFields(parsed.selector, object, fields)
  }

  it('compares, with escapes, in any order', () => {
    assert.ok(test('metadata.name=a,spec.type==ClusterIP'))
    assert.ok(test('spec.type!=NodePort,metadata.namespace=n'))
    assert.ok(!test('metadata.name!=a'))
    assert.ok(!test('metadata.name=a\\,b'))
  })

  it('refuses malformed terms and fields the kind does not offer', () => {
    const bad = parseFieldSelector('x')
    assert.equal('refusal' in bad && bad.refusal.message, "invalid selector: 'x'; can't understand 'x'")
    const selector = [{ field: 'spec.foo', equal: true, value: '' }]
    const unknown = checkFieldSelector(selector, SERVICES, new Set(['spec.type']))
    assert.equal('refusal' in unknown && unknown.refusal.message, 'field label not supported: spec.foo')
  })

  it('knows when it pins one name', () => {
    assert.equal(pinnedName([{ field: 'metadata.name', equal: true, value: 'a' }]), 'a')
    assert.equal(pinnedName([{ field: 'metadata.name', equal: false, value: 'a' }]), undefined)
  })
})
