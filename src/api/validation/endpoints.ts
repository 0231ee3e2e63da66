/**
 * Endpoints and EndpointSlice (core/validation, discovery/validation; api-server.md 14.2, 14.3). Endpoints that an update
 * leaves alone are not checked again, so that objects stored under older rules stay writable.
 */
import { canonicalAddress, familyOf } from '#lib'
import type { FieldError } from './field-error.ts'
import { duplicate, invalid, notSupported, required, tooMany } from './field-error.ts'
import { addressProblems, specialAddressErrors } from './ip-rules.ts'
import { dnsLabel, dnsSubdomain, portNumber, qualifiedName, labelValue } from './name-rules.ts'
import type { Fields } from './read-value.ts'
import { booleanAt, given, integerAt, listAt, recordAt, sameValue, textAt, textListAt } from './read-value.ts'

const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP']
const ADDRESS_TYPES: readonly string[] = ['IPv4', 'IPv6', 'FQDN']

const MAX_ENDPOINTS = 1000
const MAX_ADDRESSES = 100
const MAX_PORTS = 20_000
const MAX_HINTS = 8

export function validateEndpointSlice(value: unknown): readonly FieldError[] {
  return sliceErrors(value, undefined)
}

export function validateEndpointSliceUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const [slice, before] = [recordAt([], '', value), recordAt([], '', old)]
  if (!sameValue(slice['addressType'], before['addressType'])) {
    errors.push(invalid('addressType', slice['addressType'], 'field is immutable'))
  }
  return [...sliceErrors(value, before['endpoints']), ...errors]
}

export function validateEndpoints(value: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const object = recordAt(errors, '', value)
  listAt(errors, 'subsets', object['subsets']).forEach((item, i) => {
    const field = `subsets[${i}]`
    const subset = recordAt(errors, field, item)
    const ready = listAt(errors, `${field}.addresses`, subset['addresses'])
    const notReady = listAt(errors, `${field}.notReadyAddresses`, subset['notReadyAddresses'])
    if (ready.length + notReady.length === 0) {
      errors.push(required(field, 'must specify `addresses` or `notReadyAddresses`'))
    }
    ready.forEach((address, j) => subsetAddress(errors, `${field}.addresses[${j}]`, address))
    notReady.forEach((address, j) => subsetAddress(errors, `${field}.notReadyAddresses[${j}]`, address))
    const ports = listAt(errors, `${field}.ports`, subset['ports'])
    ports.forEach((port, j) => subsetPort(errors, `${field}.ports[${j}]`, { port, named: ports.length > 1 }))
  })
  return errors
}

export function validateEndpointsUpdate(value: unknown, old: unknown): readonly FieldError[] {
  const same = sameValue(recordAt([], '', value)['subsets'], recordAt([], '', old)['subsets'])
  return same ? [] : validateEndpoints(value)
}

function sliceErrors(value: unknown, oldEndpoints: unknown): readonly FieldError[] {
  const errors: FieldError[] = []
  const slice = recordAt(errors, '', value)
  const type = textAt(errors, 'addressType', slice['addressType'])
  if (type === '') errors.push(required('addressType'))
  else if (!ADDRESS_TYPES.includes(type)) errors.push(notSupported('addressType', type, ADDRESS_TYPES))
  const endpoints = listAt(errors, 'endpoints', slice['endpoints'])
  if (endpoints.length > MAX_ENDPOINTS) errors.push(tooMany('endpoints', endpoints.length, MAX_ENDPOINTS))
  else if (oldEndpoints === undefined || !sameValue(endpoints, oldEndpoints)) {
    endpoints.forEach((endpoint, i) => sliceEndpoint(errors, `endpoints[${i}]`, { endpoint, type }))
  }
  slicePorts(errors, listAt(errors, 'ports', slice['ports']))
  return errors
}

function sliceEndpoint(
  errors: FieldError[],
  field: string,
  { endpoint: value, type }: { readonly endpoint: unknown; readonly type: string },
): void {
  const endpoint = recordAt(errors, field, value)
  const addresses = textListAt(errors, `${field}.addresses`, endpoint['addresses'])
  if (addresses.length === 0) errors.push(required(`${field}.addresses`, 'must contain at least 1 address'))
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(`${field}.addresses`, addresses.length, MAX_ADDRESSES))
  const seen = new Set<string>()
  addresses.forEach((address, i) => {
    const at = `${field}.addresses[${i}]`
    const key = canonicalAddress(address) ?? address
    if (seen.has(key)) errors.push(duplicate(at, address))
    seen.add(key)
    errors.push(...sliceAddress(at, address, type))
  })
  const hostname = textAt(errors, `${field}.hostname`, endpoint['hostname'])
  if (given(endpoint['hostname'])) {
    errors.push(...dnsLabel(hostname).map((problem) => invalid(`${field}.hostname`, hostname, problem)))
  }
  const nodeName = textAt(errors, `${field}.nodeName`, endpoint['nodeName'])
  if (given(endpoint['nodeName'])) {
    errors.push(...dnsSubdomain(nodeName).map((problem) => invalid(`${field}.nodeName`, nodeName, problem)))
  }
  const zone = textAt(errors, `${field}.zone`, endpoint['zone'])
  errors.push(...labelValue(zone).map((problem) => invalid(`${field}.zone`, zone, problem)))
  const conditions = recordAt(errors, `${field}.conditions`, endpoint['conditions'])
  for (const key of ['ready', 'serving', 'terminating']) {
    booleanAt(errors, `${field}.conditions.${key}`, conditions[key])
  }
  const hints = recordAt(errors, `${field}.hints`, endpoint['hints'])
  hintNames(errors, `${field}.hints.forZones`, { list: hints['forZones'], check: labelValue })
  hintNames(errors, `${field}.hints.forNodes`, { list: hints['forNodes'], check: dnsSubdomain })
}

function sliceAddress(field: string, address: string, type: string): readonly FieldError[] {
  if (type === 'FQDN') {
    const problems = dnsSubdomain(address)
    const errors = problems.map((problem) => invalid(field, address, problem))
    return problems.length === 0 && !address.includes('.')
      ? [invalid(field, address, 'should be a domain with at least two segments separated by dots')]
      : errors
  }
  if (type !== 'IPv4' && type !== 'IPv6') return []
  const problems = addressProblems(address)
  if (problems.length > 0) return problems.map((problem) => invalid(field, address, problem))
  if (familyOf(address) !== type) return [invalid(field, address, `must be an ${type} address`)]
  return specialAddressErrors(field, address)
}

function hintNames(
  errors: FieldError[],
  field: string,
  { list, check }: { readonly list: unknown; readonly check: (text: string) => readonly string[] },
): void {
  const names = listAt(errors, field, list)
  if (names.length > MAX_HINTS) {
    errors.push(tooMany(field, names.length, MAX_HINTS))
    return
  }
  const seen = new Set<string>()
  names.forEach((item, i) => {
    const name = textAt(errors, `${field}[${i}].name`, recordAt(errors, `${field}[${i}]`, item)['name'])
    if (name === '') errors.push(required(`${field}[${i}].name`))
    else errors.push(...check(name).map((problem) => invalid(`${field}[${i}].name`, name, problem)))
    if (seen.has(name)) errors.push(duplicate(`${field}[${i}]`, name))
    seen.add(name)
  })
}

/** The number is not range-checked: 0 and 70000 are accepted, none means all ports. */
function slicePorts(errors: FieldError[], ports: readonly unknown[]): void {
  if (ports.length > MAX_PORTS) {
    errors.push(tooMany('ports', ports.length, MAX_PORTS))
    return
  }
  const names = new Set<string>()
  ports.forEach((item, i) => {
    const field = `ports[${i}]`
    const port = recordAt(errors, field, item)
    const name = textAt(errors, `${field}.name`, port['name'])
    if (name !== '') errors.push(...dnsLabel(name).map((problem) => invalid(`${field}.name`, name, problem)))
    if (names.has(name)) errors.push(duplicate(`${field}.name`, name))
    names.add(name)
    protocolErrors(errors, field, port)
    integerAt(errors, `${field}.port`, port['port'])
    appProtocolErrors(errors, field, port)
  })
}

function subsetAddress(errors: FieldError[], field: string, value: unknown): void {
  const address = recordAt(errors, field, value)
  const ip = textAt(errors, `${field}.ip`, address['ip'])
  const problems = addressProblems(ip)
  errors.push(...problems.map((problem) => invalid(`${field}.ip`, ip, problem)))
  if (problems.length === 0) errors.push(...specialAddressErrors(`${field}.ip`, ip))
  const hostname = textAt(errors, `${field}.hostname`, address['hostname'])
  if (hostname !== '') {
    errors.push(...dnsLabel(hostname).map((problem) => invalid(`${field}.hostname`, hostname, problem)))
  }
  const nodeName = textAt(errors, `${field}.nodeName`, address['nodeName'])
  if (given(address['nodeName'])) {
    errors.push(...dnsSubdomain(nodeName).map((problem) => invalid(`${field}.nodeName`, nodeName, problem)))
  }
}

function subsetPort(
  errors: FieldError[],
  field: string,
  { port: value, named }: { readonly port: unknown; readonly named: boolean },
): void {
  const port = recordAt(errors, field, value)
  const name = textAt(errors, `${field}.name`, port['name'])
  if (name !== '') errors.push(...dnsLabel(name).map((problem) => invalid(`${field}.name`, name, problem)))
  else if (named) errors.push(required(`${field}.name`))
  const number = integerAt(errors, `${field}.port`, port['port'])
  errors.push(...portNumber(number).map((problem) => invalid(`${field}.port`, number, problem)))
  protocolErrors(errors, field, port)
  appProtocolErrors(errors, field, port)
}

export function protocolErrors(errors: FieldError[], field: string, port: Fields): void {
  const protocol = textAt(errors, `${field}.protocol`, port['protocol'])
  if (protocol === '') errors.push(required(`${field}.protocol`))
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, PROTOCOLS))
}

export function appProtocolErrors(errors: FieldError[], field: string, port: Fields): void {
  if (!given(port['appProtocol'])) return
  const name = textAt(errors, `${field}.appProtocol`, port['appProtocol'])
  errors.push(...qualifiedName(name).map((problem) => invalid(`${field}.appProtocol`, name, problem)))
}
