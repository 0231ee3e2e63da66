/** Selectors of a request, checked against the kind and turned into one predicate. */
import type { KubeObject } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import {
  checkFieldSelector,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  pinnedName,
} from '../selectors/index.ts'
import { unwrap } from '../status/index.ts'

export type Selection = {
  readonly matches: (object: KubeObject) => boolean
  /** Whether everything matches. */
  readonly all: boolean
  /** The only name that can match, if the field selector says so. */
  readonly name: string | undefined
}

export type SelectorTexts = { readonly labelSelector: string; readonly fieldSelector: string }

/** Field names a kind offers do not depend on the object's content, so an empty one tells them. */
const knownFields = new WeakMap<KindDefinition, ReadonlySet<string>>()

export function selectObjects(kind: KindDefinition, texts: SelectorTexts): Selection {
  const labels = unwrap(parseLabelSelector(texts.labelSelector)).selector
  const fields = unwrap(parseFieldSelector(texts.fieldSelector)).selector
  if (fields.length > 0) unwrap(checkFieldSelector(fields, kind.info, fieldsOf(kind)))
  return {
    matches: (object) => matchesLabels(labels, object.metadata.labels) && matchesFields(fields, object, kind.fields),
    all: labels.length === 0 && fields.length === 0,
    name: pinnedName(fields),
  }
}

function fieldsOf(kind: KindDefinition): ReadonlySet<string> {
  let known = knownFields.get(kind)
  if (known === undefined) {
    const blank = { apiVersion: '', kind: kind.info.kind, metadata: { name: '' }, spec: {}, status: {} } as KubeObject
    knownFields.set(kind, (known = new Set(Object.keys(kind.fields(blank)))))
  }
  return known
}
