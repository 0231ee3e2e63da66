/**
 * clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy, which must agree with each other (core/validation
 * ValidateServiceClusterIPsRelatedFields; api-server.md 12.2). Whether the cluster has such addresses is decided later.
 */
import { familyOf } from '#lib'
import type { FieldError } from './field-error.ts'
import { duplicate, invalid, notSupported, required } from './field-error.ts'
import { addressProblems, looseAddressProblems } from './ip-rules.ts'
import type { ServiceView } from './read-service.ts'
import { isHeadless } from './read-service.ts'

const FAMILY_NAMES: readonly string[] = ['IPv4', 'IPv6']
const POLICIES: readonly string[] = ['SingleStack', 'PreferDualStack', 'RequireDualStack']

export function validateServiceAddresses(service: ServiceView, stored: ReadonlySet<string>): readonly FieldError[] {
  if (service.type === 'ExternalName') return []
  const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = service
  const errors: FieldError[] = []
  const field = 'spec.clusterIPs'
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) errors.push(required(field))
    else if (clusterIPs[0] !== clusterIP) errors.push(invalid(field, clusterIPs, 'first value must match `clusterIP`'))
  } else if (clusterIPs.length > 0) {
    errors.push(invalid(field, clusterIPs, 'must be empty when `clusterIP` is not specified'))
  }
  ipFamilies.forEach((family, i) => {
    const at = `spec.ipFamilies[${i}]`
    if (!FAMILY_NAMES.includes(family)) errors.push(notSupported(at, family, FAMILY_NAMES))
    if (ipFamilies.indexOf(family) !== i) errors.push(duplicate(at, family))
  })
  if (ipFamilyPolicy !== undefined && !POLICIES.includes(ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', ipFamilyPolicy, POLICIES))
  }
  const before = errors.length
  clusterIPs.forEach((address, i) => {
    if (i === 0 && address === 'None') {
      if (clusterIPs.length > 1) errors.push(invalid(field, clusterIPs, "'None' must be the first and only value"))
      return
    }
    const problems = stored.has(address) ? looseAddressProblems(address) : addressProblems(address)
    errors.push(...problems.map((problem) => invalid(`${field}[${i}]`, address, problem)))
  })
  const misplaced = errors.length > before
  if (clusterIPs.length > 2) errors.push(invalid(field, clusterIPs, 'may only hold up to 2 values'))
  // With a malformed address in the list the checks below would blame the wrong field.
  if (misplaced) return errors
  const families = clusterIPs.map((address) => familyOf(address))
  if (families.length > 1 && new Set(families).size !== families.length) {
    errors.push(invalid(field, clusterIPs, 'may specify no more than one IP for each IP family'))
  }
  if (isHeadless(service)) return errors
  families.forEach((family, i) => {
    const expected = ipFamilies[i]
    if (family === undefined || expected === undefined || family === expected || !FAMILY_NAMES.includes(expected))
      return
    const text = `expected an ${expected} value as indicated by \`ipFamilies[${i}]\``
    errors.push(invalid(`${field}[${i}]`, clusterIPs[i], text))
  })
  return errors
}
