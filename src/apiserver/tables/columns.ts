/** Columns that most kinds have. */
import type { TableColumn } from '../kinds/kind.ts'

export const NAME_COLUMN: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace and kind',
  priority: 0,
}

export const AGE_COLUMN: TableColumn = {
  name: 'Age',
  type: 'string',
  description: 'Time since the server created the object',
  priority: 0,
}

export const CREATED_COLUMN: TableColumn = {
  name: 'Created At',
  type: 'date',
  description: 'When the server created the object',
  priority: 0,
}

export function textColumn(name: string, description: string): TableColumn {
  return { name, type: 'string', description, priority: 0 }
}

/** Shown with `-o wide` only. */
export function wideColumn(name: string, description: string): TableColumn {
  return { name, type: 'string', description, priority: 1 }
}
