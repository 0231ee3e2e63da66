/** `node --conditions=source scenarios/support/behaviour-on-kernel.ts MODE SEED`: against the rules of this namespace. */
import { openIptables, openNftables, runCommand } from '#kernel'
import { FAMILIES } from '#lib'

import { behaviourUnderFaults } from './behaviour-under-faults.ts'
import { createFaults } from './faults.ts'
import { createRandom } from './random-cluster.ts'

const [mode = '', seed = '0'] = process.argv.slice(2)
const faults = createFaults(createRandom(Number(seed)))

if (mode === 'nftables') {
  const open = (family: 'ip' | 'ip6'): ReturnType<typeof openNftables> => openNftables({ family })
  behaviourUnderFaults({
    title: mode,
    mode,
    faults,
    open: async () => ({ mode, doors: await Promise.all((['ip', 'ip6'] as const).map(open)) }),
  })
} else {
  const doors = FAMILIES.map((family) => openIptables({ family, runCommand }))
  behaviourUnderFaults({
    title: 'iptables',
    mode: 'iptables',
    faults,
    open: () => Promise.resolve({ mode: 'iptables', doors }),
  })
}
