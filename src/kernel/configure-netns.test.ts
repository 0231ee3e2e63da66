import assert from 'node:assert/strict'
import { test } from 'node:test'

import { classifyIpFailure } from './configure-netns.ts'

const cases = [
  ['RTNETLINK answers: File exists\nCommand failed -:3\n', 'SBX_LINK_EXISTS'],
  ['Cannot find device "eth9"\nCommand failed -:1\n', 'SBX_LINK_NOT_FOUND'],
  ['nsenter: cannot open /run/netns/x: No such file or directory\n', 'SBX_LINK_NOT_FOUND'],
  ['RTNETLINK answers: Operation not permitted\n', 'SBX_LINK_FORBIDDEN'],
  ['Error: Nexthop has invalid gateway.\n', 'SBX_LINK_REJECTED'],
] as const

for (const [stderr, code] of cases) {
  test(`"${stderr.split('\n')[0]}" is ${code}`, () => {
    assert.equal(classifyIpFailure(stderr, undefined).code, code)
  })
}
