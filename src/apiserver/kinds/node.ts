/** Nodes. Their status is written by the node's own agent, also on create, as a kubelet does when it registers. */
import type { Node, Taint } from '#api'
import { defaultNode, NODES, validateNode, validateNodeUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, NONE, textColumn, UNKNOWN, wideColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
const ROLE_PREFIX = 'node-role.kubernetes.io/'

export const nodeKind = defineKind<Node>({
  info: NODES,
  schema: 'io.k8s.api.core.v1.Node',
  message: 'k8s.io.api.core.v1.Node',
  hasStatus: true,
  fields: (node) => ({ 'spec.unschedulable': String(node.spec?.unschedulable ?? false) }),
  defaults: defaultNode,
  // The TaintNodesByCondition admission plugin: a node is not ready before it said so.
  prepareForCreate: (node) => {
    const taints = node.spec?.taints ?? []
    const tainted = taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)
    return tainted ? node : { ...node, spec: { ...node.spec, taints: [...taints, NOT_READY] } }
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Status', 'Ready or not, and whether new pods may be placed on it'),
      textColumn('Roles', 'Roles its labels claim'),
      AGE_COLUMN,
      textColumn('Version', 'Version of its agent'),
      wideColumn('Internal-IP', 'First address inside the cluster'),
      wideColumn('External-IP', 'First address outside the cluster'),
      wideColumn('OS-Image', 'Operating system'),
      wideColumn('Kernel-Version', 'Kernel'),
      wideColumn('Container-Runtime', 'What runs its containers'),
    ],
    cells: (node, now) => {
      const info = node.status?.nodeInfo ?? {}
      return [
        node.metadata.name,
        statusText(node),
        rolesText(node),
        ageSince(node.metadata.creationTimestamp, now),
        info['kubeletVersion'] ?? '',
        addressText(node, 'InternalIP'),
        addressText(node, 'ExternalIP'),
        orUnknown(info['osImage']),
        orUnknown(info['kernelVersion']),
        orUnknown(info['containerRuntimeVersion']),
      ]
    },
  },
})

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return node.spec?.unschedulable === true ? `${text},SchedulingDisabled` : text
}

function rolesText(node: Node): string {
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) =>
    key.startsWith(ROLE_PREFIX) && key.length > ROLE_PREFIX.length
      ? [key.slice(ROLE_PREFIX.length)]
      : key === 'kubernetes.io/role' && value !== ''
        ? [value]
        : [],
  )
  return roles.length === 0 ? NONE : [...new Set(roles)].sort().join(',')
}

function addressText(node: Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? NONE
}

function orUnknown(text: string | undefined): string {
  return text === undefined || text === '' ? UNKNOWN : text
}
