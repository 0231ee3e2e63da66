/**
 * What an update of a Service may not do (core/validation ValidateServiceUpdate; api-server.md 12.3). Values that the
 * request left out have been carried over from the old object before.
 */
import type { FieldError } from './field-error.ts'
import { forbidden, invalid } from './field-error.ts'
import type { ServiceView } from './read-service.ts'
import { isHeadless, needsHealthCheck, readService } from './read-service.ts'
import { validateService, validateServiceStatus } from './service.ts'

const UNCHANGEABLE = 'may not change once set'

export function validateServiceUpdate(value: unknown, oldValue: unknown): readonly FieldError[] {
  const [service, old] = [readService([], value), readService([], oldValue)]
  const stored = new Set([...old.clusterIPs, ...old.externalIPs, ...old.sourceRanges])
  return [
    ...addressChanges(service, old),
    ...familyChanges(service, old),
    ...healthCheckChanges(service, old),
    ...classChanges(service, old),
    ...validateService(value, stored),
    ...validateServiceStatus(value),
  ]
}

function addressChanges(service: ServiceView, old: ServiceView): readonly FieldError[] {
  if (service.type === 'ExternalName' || old.type === 'ExternalName') return []
  if (isHeadless(service) && isHeadless(old)) return []
  const errors: FieldError[] = []
  const [now, before] = [service.clusterIPs, old.clusterIPs]
  if (before.length > now.length && now.length === 0) {
    errors.push(invalid('spec.clusterIPs[0]', now, 'primary clusterIP can not be unset'))
  }
  const compared = before.length === now.length ? before.length : Math.min(1, before.length, now.length)
  for (let i = 0; i < compared; i += 1) {
    if (now[i] !== before[i]) errors.push(invalid(`spec.clusterIPs[${i}]`, now, UNCHANGEABLE))
  }
  if (before.length > now.length && now.length === 1 && service.ipFamilyPolicy !== 'SingleStack') {
    errors.push(
      invalid(
        'spec.ipFamilyPolicy',
        service.ipFamilyPolicy,
        "must be 'SingleStack' to release the secondary cluster IP",
      ),
    )
  }
  return errors
}

/** Families given in the update only: none means that allocation keeps the old ones. */
function familyChanges(service: ServiceView, old: ServiceView): readonly FieldError[] {
  if (service.type === 'ExternalName' || old.type === 'ExternalName') return []
  // Headless Services may change families; a change to or from headless is refused by its address already.
  if (isHeadless(service) || isHeadless(old)) return []
  const errors: FieldError[] = []
  const [now, before] = [service.ipFamilies, old.ipFamilies]
  const compared = before.length === now.length ? before.length : Math.min(1, before.length, now.length)
  for (let i = 0; i < compared; i += 1) {
    if (now[i] !== before[i]) errors.push(invalid(`spec.ipFamilies[${i}]`, now, UNCHANGEABLE))
  }
  if (before.length > now.length && now.length === 1 && service.ipFamilyPolicy !== 'SingleStack') {
    errors.push(
      invalid(
        'spec.ipFamilyPolicy',
        service.ipFamilyPolicy,
        "must be 'SingleStack' to release the secondary IP family",
      ),
    )
  }
  return errors
}

function healthCheckChanges(service: ServiceView, old: ServiceView): readonly FieldError[] {
  const stays = needsHealthCheck(service) && needsHealthCheck(old)
  const changed = stays && service.healthCheckNodePort !== old.healthCheckNodePort
  return changed ? [forbidden('spec.healthCheckNodePort', 'field is immutable')] : []
}

function classChanges(service: ServiceView, old: ServiceView): readonly FieldError[] {
  const stays = service.type === 'LoadBalancer' && old.type === 'LoadBalancer'
  if (!stays || service.loadBalancerClass === old.loadBalancerClass) return []
  return [invalid('spec.loadBalancerClass', service.loadBalancerClass, UNCHANGEABLE)]
}
