/**
 * meta.k8s.io/v1 Table (api-server.md 6): the server decides the columns, clients only print. Column definitions are
 * sent once per watch, so the caller says whether it wants them.
 */
import type { KubeObject, ListMeta, ObjectMeta } from '#api'
import type { KindDefinition, TableColumn } from '../kinds/kind.ts'

export type TableOptions = {
  readonly includeObject: 'None' | 'Metadata' | 'Object'
  /** Milliseconds since the epoch, for ages. */
  readonly now: number
  readonly listMeta: Partial<ListMeta>
  /** False for all but the first event of a watch. */
  readonly withColumns: boolean
}

export type PartialObjectMetadata = {
  readonly kind: 'PartialObjectMetadata'
  readonly apiVersion: 'meta.k8s.io/v1'
  readonly metadata: ObjectMeta
}

export type Table = {
  readonly kind: 'Table'
  readonly apiVersion: 'meta.k8s.io/v1'
  readonly metadata: Partial<ListMeta>
  readonly columnDefinitions: readonly (Omit<TableColumn, 'format'> & { readonly format: string })[] | null
  readonly rows: readonly {
    readonly cells: readonly (string | number | boolean | null)[]
    readonly object?: KubeObject | PartialObjectMetadata
  }[]
}

/** `objects` may hold a bookmark (metadata.resourceVersion only): its cells are then blank or `<unknown>`. */
export function renderTable(kind: KindDefinition, objects: readonly KubeObject[], options: TableOptions): Table {
  const columns = kind.table.columns.map((column) => ({ ...column, format: column.format ?? '' }))
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.listMeta,
    columnDefinitions: options.withColumns ? columns : null,
    rows: objects.map((object) => ({
      cells: kind.table.cells(object, options.now),
      ...(options.includeObject !== 'None' && {
        object:
          options.includeObject === 'Object'
            ? object
            : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
      }),
    })),
  }
}
