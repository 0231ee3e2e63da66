/**
 * Which IP families a Service gets, from what was asked and what the cluster has (api-server.md 12.4;
 * registry/core/service/storage/alloc.go initIPFamilyFields). Pure: allocation follows the decision.
 */
import type { Family } from '#lib'
import { FAMILIES, familyOf } from '#lib'
import type { FieldError, Service, ServiceSpec } from '#api'
import { invalid } from '#api'

export type ClusterFamilies = {
  readonly configured: ReadonlySet<Family>
  /** Family of the first service CIDR. */
  readonly preferred: Family
}

export type FamilyDecision = { readonly spec: ServiceSpec } | { readonly errors: readonly FieldError[] }

export function decideFamilies(service: Service, old: Service | undefined, cluster: ClusterFamilies): FamilyDecision {
  if (service.spec.type === 'ExternalName' || keepsPreferDualStack(service, old)) return { spec: service.spec }
  const policy = service.spec.ipFamilyPolicy ?? inferredPolicy(service, old)
  const asked =
    old === undefined ? { ...service.spec, ipFamilyPolicy: policy } : released(service.spec, old.spec, policy)
  const errors = [...(old === undefined ? [] : reductionErrors(asked, old.spec)), ...singleStackErrors(asked)]

  const clusterIPs = asked.clusterIPs ?? []
  const families = [...(asked.ipFamilies ?? [])]
  for (const [i, address] of clusterIPs.entries()) {
    const family = familyOf(address)
    if (family === undefined || i < families.length) continue
    if (cluster.configured.has(family)) families.push(family)
    else errors.push(invalid(`spec.clusterIPs[${i}]`, clusterIPs, `${family} is not configured on this cluster`))
  }
  if (errors.length > 0) return { errors }

  const selectorless = Object.keys(asked.selector ?? {}).length === 0
  if (asked.clusterIP === 'None' && selectorless) {
    // Its endpoints are written by hand and may be of any family, whatever the cluster has.
    const start = families.length === 0 ? [cluster.preferred] : families
    return { spec: { ...asked, ipFamilies: policy === 'SingleStack' ? start : withOther(start) } }
  }
  if (policy === 'RequireDualStack' && cluster.configured.size < 2) {
    errors.push(invalid('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services'))
  }
  families.forEach((family, i) => {
    if (!cluster.configured.has(family)) {
      errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
    }
  })
  if (errors.length > 0) return { errors }
  const start = families.length === 0 ? [cluster.preferred] : families
  const dual = policy !== 'SingleStack' && cluster.configured.size === 2
  return { spec: { ...asked, ipFamilies: dual ? withOther(start) : start } }
}

/** An object that prefers two families is not changed because the cluster did. */
export function keepsPreferDualStack(service: Service, old: Service | undefined): boolean {
  if (old === undefined || service.spec.type !== old.spec.type) return false
  return (
    service.spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.spec.ipFamilyPolicy === 'PreferDualStack' &&
    sameList(service.spec.clusterIPs, old.spec.clusterIPs) &&
    sameList(service.spec.ipFamilies, old.spec.ipFamilies)
  )
}

function inferredPolicy(service: Service, old: Service | undefined): NonNullable<ServiceSpec['ipFamilyPolicy']> {
  if (old?.spec.ipFamilyPolicy !== undefined) return old.spec.ipFamilyPolicy
  const selectorless = Object.keys(service.spec.selector ?? {}).length === 0
  return service.spec.clusterIP === 'None' && selectorless ? 'RequireDualStack' : 'SingleStack'
}

/** Asking for SingleStack and nothing else is a clear wish to drop the second address and family. */
function released(
  spec: ServiceSpec,
  old: ServiceSpec,
  policy: NonNullable<ServiceSpec['ipFamilyPolicy']>,
): ServiceSpec {
  const next = { ...spec, ipFamilyPolicy: policy }
  if (policy !== 'SingleStack') return next
  return {
    ...next,
    ...(spec.clusterIPs !== undefined &&
      sameList(spec.clusterIPs, old.clusterIPs) && { clusterIPs: spec.clusterIPs.slice(0, 1) }),
    ...(spec.ipFamilies !== undefined &&
      sameList(spec.ipFamilies, old.ipFamilies) && { ipFamilies: spec.ipFamilies.slice(0, 1) }),
  }
}

function reductionErrors(spec: ServiceSpec, old: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') return []
  const reduced = (now: readonly string[] | undefined, before: readonly string[] | undefined): boolean =>
    (now ?? []).length !== 0 && (now ?? []).length < (before ?? []).length
  const error = (what: string): FieldError =>
    invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`)
  return [
    ...(reduced(spec.clusterIPs, old.clusterIPs) ? [error('cluster IP')] : []),
    ...(reduced(spec.ipFamilies, old.ipFamilies) ? [error('IP family')] : []),
  ]
}

function singleStackErrors(spec: ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return []
  const error = (what: string): FieldError =>
    invalid(
      'spec.ipFamilyPolicy',
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    )
  return [
    ...(spec.clusterIPs?.length === 2 ? [error('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [error('IP families')] : []),
  ]
}

function withOther(families: readonly Family[]): readonly Family[] {
  return families.length === 1 ? [...families, ...FAMILIES.filter((family) => family !== families[0])] : families
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const [left, right] = [a ?? [], b ?? []]
  return left.length === right.length && left.every((item, i) => item === right[i])
}
