/** Ingresses, and the admission that gives one without a class the default class (api-server.md 14.4). */
import type { Ingress, IngressClass } from '#api'
import { INGRESSCLASSES, INGRESSES, validateIngress, validateIngressUpdate } from '#api'
import { compareText } from '#lib'
import { AGE_COLUMN, ageSince, NAME_COLUMN, NONE, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'
import type { StoreReader } from './kind.ts'

const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class'
const SHOWN_HOSTS = 3

export const ingressKind = defineKind<Ingress>({
  info: INGRESSES,
  schema: 'io.k8s.api.networking.v1.Ingress',
  message: 'k8s.io.api.networking.v1.Ingress',
  hasStatus: true,
  hasGeneration: true,
  prepareForCreate: (ingress, { store }) => {
    const named = ingress.spec?.ingressClassName ?? ingress.metadata.annotations?.[CLASS_ANNOTATION]
    const ingressClassName = named === undefined ? defaultClass(store) : undefined
    const spec = ingressClassName === undefined ? ingress.spec : { ...ingress.spec, ingressClassName }
    return { ...ingress, ...(spec !== undefined && { spec }), status: { loadBalancer: {} } }
  },
  validate: validateIngress,
  validateUpdate: validateIngressUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Class', 'Class whose controller serves it'),
      textColumn('Hosts', 'Host names its rules are for; * for any'),
      textColumn('Address', 'Addresses at which it is reached'),
      textColumn('Ports', 'Ports at which it is reached'),
      AGE_COLUMN,
    ],
    cells: ({ metadata, spec, status }, now) => [
      metadata.name,
      spec?.ingressClassName ?? metadata.annotations?.[CLASS_ANNOTATION] ?? NONE,
      hostsText((spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '')),
      (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '').join(','),
      (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})

/** Of several defaults the newest, then the first by name. */
function defaultClass(store: StoreReader): string | undefined {
  const classes = (store.list(INGRESSCLASSES) as readonly IngressClass[]).filter(
    ({ metadata }) => metadata.annotations?.[DEFAULT_ANNOTATION] === 'true',
  )
  const order = ({ metadata: a }: IngressClass, { metadata: b }: IngressClass): number =>
    compareText(b.creationTimestamp ?? '', a.creationTimestamp ?? '') || compareText(a.name, b.name)
  return classes.toSorted(order)[0]?.metadata.name
}

function hostsText(hosts: readonly string[]): string {
  if (hosts.length === 0) return '*'
  const shown = hosts.slice(0, SHOWN_HOSTS).join(',')
  return hosts.length > SHOWN_HOSTS ? `${shown} + ${hosts.length - SHOWN_HOSTS} more...` : shown
}
