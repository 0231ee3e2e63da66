import type { Secret } from '#api'
import { defaultSecret, SECRETS, validateSecret, validateSecretUpdate } from '#api'
import { AGE_COLUMN, ageSince, NAME_COLUMN, textColumn } from '../tables/index.ts'
import { defineKind } from './define-kind.ts'

export const secretKind = defineKind<Secret>({
  info: SECRETS,
  schema: 'io.k8s.api.core.v1.Secret',
  message: 'k8s.io.api.core.v1.Secret',
  fields: (secret) => ({ type: secret.type ?? '' }),
  defaults: defaultSecret,
  // A client that sends no type keeps the old one, which is immutable anyway.
  prepareForUpdate: (secret, old) =>
    secret.type === undefined || secret.type === ''
      ? { ...secret, ...(old.type !== undefined && { type: old.type }) }
      : secret,
  validate: validateSecret,
  validateUpdate: validateSecretUpdate,
  table: {
    columns: [
      NAME_COLUMN,
      textColumn('Type', 'What the keys mean; Opaque promises nothing'),
      { name: 'Data', type: 'string', description: 'Number of keys', priority: 0 },
      AGE_COLUMN,
    ],
    cells: ({ metadata, type, data }, now) => [
      metadata.name,
      type ?? '',
      Object.keys(data ?? {}).length,
      ageSince(metadata.creationTimestamp, now),
    ],
  },
})
