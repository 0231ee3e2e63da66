/** Takes the cluster IPs a Service needs and gives up those it no longer needs (alloc.go updateClusterIPs). */
import type { Family } from '#lib'
import type { Service } from '#api'
import { invalid } from '#api'
import { keepsPreferDualStack } from './decide-families.ts'
import type { AllocationStep, AllocationStop } from './allocation-step.ts'

export function allocateClusterIPs(
  service: Service,
  old: Service | undefined,
  step: AllocationStep,
): Service | AllocationStop {
  if (keepsPreferDualStack(service, old)) return service
  const had = old === undefined || old.spec.type === 'ExternalName' ? [] : (old.spec.clusterIPs ?? [])
  if (had[0] === 'None') return service
  const families = service.spec.ipFamilies ?? []
  const asked = service.spec.clusterIPs ?? []
  const wanted = service.spec.type === 'ExternalName' || asked[0] === 'None' ? [] : families

  const clusterIPs: string[] = []
  for (const [i, family] of wanted.entries()) {
    const address = asked[i] ?? ''
    // The primary address is immutable; validation has made sure that kept ones are the same.
    if (address !== '' && had.includes(address)) {
      clusterIPs.push(address)
      continue
    }
    const taken = take(step, { family, address, clusterIPs: asked })
    if (typeof taken !== 'string') return taken
    clusterIPs.push(taken)
  }
  for (const address of had.filter((one) => !clusterIPs.includes(one))) {
    step.transaction.releaseLater(() => step.ranges.release(address, step.owner))
  }
  const [first] = clusterIPs
  return first === undefined ? service : { ...service, spec: { ...service.spec, clusterIP: first, clusterIPs } }
}

function take(
  step: AllocationStep,
  wish: { readonly family: Family; readonly address: string; readonly clusterIPs: readonly string[] },
): string | AllocationStop {
  const { owner, transaction } = step
  const pools = step.ranges.pools(wish.family)
  if (wish.address === '') {
    for (const pool of pools) {
      const address = pool.allocateNext(owner)
      if (address === undefined) continue
      transaction.taken(() => pool.release(address, owner))
      return address
    }
    return { failure: 'failed to allocate a serviceIP: range is full' }
  }
  const problems = pools.map((pool) => {
    const problem = pool.allocate(wish.address, owner)
    if (problem === undefined) transaction.taken(() => pool.release(wish.address, owner))
    return problem
  })
  if (problems.includes(undefined)) return wish.address
  const why = problems.includes('taken')
    ? 'provided IP is already allocated'
    : 'the provided network does not match the current range'
  return {
    errors: [invalid('spec.clusterIPs', wish.clusterIPs, `failed to allocate IP ${wish.address}: ${why}`)],
  }
}
