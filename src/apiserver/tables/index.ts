/** Objects as the tables that `kubectl get` prints. */
export {
  ageSince,
  joinedOrNone,
  labelText,
  NONE,
  PENDING,
  shortDuration,
  shortList,
  subsetEndpoints,
  UNKNOWN,
  UNSET,
} from './cells.ts'
export { AGE_COLUMN, CREATED_COLUMN, NAME_COLUMN, textColumn, wideColumn } from './columns.ts'
export type { PartialObjectMetadata, Table, TableOptions } from './render-table.ts'
export { renderTable } from './render-table.ts'
