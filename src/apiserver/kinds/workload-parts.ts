/** What Deployment and ReplicaSet have in common towards the engine. */
import type { KubeObject, LabelSelector, PodTemplate } from '#api'
import { selectorText } from '#api'
import type { ScaleDefinition, TableColumn } from './kind.ts'

type Scalable = KubeObject & {
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector }
  readonly status?: { readonly replicas?: number }
}

export function scaleOf<T extends Scalable>(): ScaleDefinition<T> {
  return {
    read: ({ spec, status }) => ({
      wanted: spec.replicas ?? 0,
      actual: status?.replicas ?? 0,
      selector: selectorText(spec.selector),
    }),
    write: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  }
}

export function countColumn(name: string, description: string): TableColumn {
  return { name, type: 'integer', description, priority: 0 }
}

/** Names and images of the containers. */
export function templateCells(template: PodTemplate | undefined): readonly [string, string] {
  const containers = template?.spec?.containers ?? []
  return [containers.map(({ name }) => name).join(','), containers.map(({ image }) => image ?? '').join(',')]
}
