/**
 * Who set which field (apimachinery managedfields; api-server.md 10.3). Every object is tracked from its creation on. One
 * whose tracking was reset (`managedFields: []`) is not until somebody applies; what it holds then belongs to
 * `before-first-apply`.
 */
import type { KubeObject, ManagedFieldsEntry } from '#api'
import { apiVersionOf } from '#api'
import { compareText } from '#lib'
import type { KindDefinition } from '../kinds/kind.ts'
import type { FieldPath, FieldSet, JsonObject, TopologyLookup } from '../patch/index.ts'
import {
  decodeFields,
  difference,
  encodeFields,
  fieldSet,
  isObject,
  mergeApplied,
  ownedFields,
  ownedValues,
  printPath,
  removeFields,
  sameJson,
  union,
  withoutIdentity,
} from '../patch/index.ts'
import { applyTopology } from '../schema/index.ts'

export type Writer = {
  readonly manager: string
  /** RFC 3339. */
  readonly now: string
  readonly subresource?: string | undefined
}

export type FieldConflict = {
  readonly manager: string
  readonly operation: string
  readonly apiVersion: string
  readonly field: string
}

type Entry = ManagedFieldsEntry & { readonly operation: 'Apply' | 'Update' }

export type ApplyOutcome = { readonly object: KubeObject } | { readonly conflicts: readonly FieldConflict[] }

/** What server-side apply makes of `live` and `applied`, or who objects. */
export function applyManaged(
  kind: KindDefinition,
  objects: { readonly live: KubeObject | undefined; readonly applied: KubeObject },
  writer: Writer & { readonly force: boolean },
): ApplyOutcome {
  const lookup = lookupOf(kind)
  const live = (objects.live ?? {}) as JsonObject
  const applied = withoutIdentity(objects.applied as unknown as JsonObject)
  const entries = objects.live === undefined ? [] : entriesOf(objects.live, { kind, lookup, writer })
  const isOwn = (entry: Entry): boolean =>
    entry.operation === 'Apply' && entry.manager === writer.manager && entry.subresource === writer.subresource
  const wanted = ownedFields(applied, lookup)
  const merged = mergeApplied(live, applied, lookup)

  const changed = changedPaths(live, merged, lookup)
  const others = entries.filter((entry) => !isOwn(entry))
  const contested = new Map([...wanted].filter(([key]) => changed.has(key)))
  // What is not there any more cannot be taken from anybody.
  const present = ownedFields(live, lookup)
  const taken = new Map([...contested].filter(([key]) => present.has(key)))
  const conflicts = others.flatMap((entry) => conflictsWith(entry, taken))
  if (conflicts.length > 0 && !writer.force) {
    const yielded = writer.manager === KUBECTL ? heldByLastApplied(objects.live, lookup) : new Set<string>()
    const rest = conflicts.filter(({ key }) => !yielded.has(key)).map(({ key: _key, ...conflict }) => conflict)
    if (rest.length > 0) return { conflicts: rest }
  }

  const kept = others.map((entry) => withFields(entry, difference(decodeFields(entry.fieldsV1), contested)))
  const own = entries.find(isOwn)
  const owned = union(wanted, ...kept.map((entry) => decodeFields(entry?.fieldsV1)))
  const abandoned = difference(decodeFields(own?.fieldsV1), owned)
  const object = removeFields(merged, abandoned, lookup)

  const fieldsV1 = encodeFields(wanted)
  const time = own !== undefined && sameJson(own.fieldsV1, fieldsV1) ? (own.time ?? writer.now) : writer.now
  const entry = newEntry(kind, { ...writer, now: time }, { operation: 'Apply', fields: wanted })
  const managedFields = [...kept, ...(wanted.size === 0 ? [] : [entry])]
    .filter((one) => one !== undefined)
    .sort(compareEntries)
  const source = withLastApplied(object as unknown as KubeObject, objects.applied, writer.manager)
  return { object: { ...source, metadata: { ...source.metadata, managedFields } } }
}

/** A new object with its creator as the manager of what was asked for; what the server filled in belongs to nobody. */
export function trackCreate(
  kind: KindDefinition,
  versions: { readonly asked: KubeObject; readonly next: KubeObject },
  writer: Writer,
): KubeObject {
  const { next } = versions
  const { managedFields: _given, ...metadata } = next.metadata
  const lookup = lookupOf(kind)
  const final = ownedFields(next as unknown as JsonObject, lookup)
  const asked = ownedFields(withoutStatus(kind, versions.asked), lookup)
  const fields = new Map([...asked].filter(([key]) => final.has(key)))
  if (fields.size === 0) return { ...next, metadata }
  const entry = newEntry(kind, writer, { operation: 'Update', fields })
  return { ...next, metadata: { ...metadata, managedFields: [entry] } }
}

/**
 * The object with its managedFields brought up to date after a PUT or PATCH that made `next` of `old`. `asked` is `next`
 * before the server filled in what belongs to nobody.
 */
export function trackUpdate(
  kind: KindDefinition,
  versions: { readonly old: KubeObject; readonly next: KubeObject; readonly asked: KubeObject },
  writer: Writer,
): KubeObject {
  const { old, next } = versions
  const { managedFields, ...metadata } = next.metadata
  // A client that sends an empty list asks to forget who owns what.
  if (managedFields?.length === 0) return { ...next, metadata }
  if (managedFields === undefined && old.metadata.managedFields === undefined) return next
  const lookup = lookupOf(kind)
  const changed = changedPaths(old as unknown as JsonObject, next as unknown as JsonObject, lookup)
  const present = ownedFields(next as unknown as JsonObject, lookup)
  const asked = ownedFields(versions.asked as unknown as JsonObject, lookup)
  const moved = new Map([...present].filter(([key]) => changed.has(key) && asked.has(key)))
  const isOwn = (entry: ManagedFieldsEntry): boolean =>
    entry.operation === 'Update' && entry.manager === writer.manager && entry.subresource === writer.subresource
  const before = managedFields ?? old.metadata.managedFields ?? []
  const others = before
    .filter((entry) => !isOwn(entry))
    .map((entry) => withFields(entry, difference(existing(entry, present), moved)))
  const own = before.find(isOwn)
  const mine = union(own === undefined ? new Map<string, FieldPath>() : existing(own, present), moved)
  const keepsOwn = own !== undefined && moved.size === 0
  const entry =
    mine.size === 0
      ? undefined
      : keepsOwn
        ? withFields(own, mine)
        : newEntry(kind, writer, { operation: 'Update', fields: mine })
  const entries = capped([...others, entry].filter((one) => one !== undefined)).sort(compareEntries)
  return { ...next, metadata: { ...metadata, ...(entries.length === 0 ? {} : { managedFields: entries }) } }
}

/** Managers that only update are as many as there are program names: beyond ten the oldest are taken together. */
const MAX_UPDATE_MANAGERS = 10
const ANCIENT = 'ancient-changes'

/** capmanagers.go */
function capped(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const updates = entries.filter((entry) => entry.operation === 'Update')
  if (updates.length <= MAX_UPDATE_MANAGERS) return [...entries]
  const byAge = updates.filter(({ manager }) => manager !== ANCIENT).sort(compareEntries)
  const kept = new Set(byAge.slice(-(MAX_UPDATE_MANAGERS - 1)))
  const merged = updates.filter((entry) => !kept.has(entry))
  const newest = merged.toSorted(compareEntries).at(-1) as ManagedFieldsEntry
  const { subresource: _subresource, ...rest } = newest
  const fields = union(...merged.map((entry) => decodeFields(entry.fieldsV1)))
  const ancient = { ...rest, manager: ANCIENT, fieldsV1: encodeFields(fields) }
  return [...entries.filter((entry) => entry.operation !== 'Update' || kept.has(entry)), ancient]
}

/** Appliers first, then by time and name (managedfields.go sortEncodedManagedFields). */
function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareText(a.operation ?? '', b.operation ?? '') ||
    compareText(a.time ?? '', b.time ?? '') ||
    compareText(a.manager ?? '', b.manager ?? '') ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  )
}

function withoutStatus(kind: KindDefinition, object: KubeObject): JsonObject {
  const { status: _status, ...rest } = object as KubeObject & { readonly status?: unknown }
  return (kind.hasStatus ? rest : object) as unknown as JsonObject
}

/** The first item that a keyed list or a set of the object holds twice. */
export function duplicateItem(kind: KindDefinition, object: KubeObject): { list: string; key: string } | undefined {
  let found: FieldPath | undefined
  ownedValues(withoutIdentity(object as unknown as JsonObject), lookupOf(kind), (item) => (found ??= item))
  return found === undefined ? undefined : { list: printPath(found.slice(0, -1)), key: printPath(found.slice(-1)) }
}

function lookupOf(kind: KindDefinition): TopologyLookup {
  return (path) => applyTopology(kind.structure ?? kind.schema, path)
}

function entriesOf(
  live: KubeObject,
  by: { readonly kind: KindDefinition; readonly lookup: TopologyLookup; readonly writer: Writer },
): readonly Entry[] {
  const { managedFields } = live.metadata
  if (managedFields !== undefined && managedFields.length > 0) return managedFields as readonly Entry[]
  const fields = ownedFields(live as unknown as JsonObject, by.lookup)
  const clientSide = lastApplied(live, by.lookup)
  const applied = new Map([...fields].filter(([key]) => clientSide.has(key)))
  const entry = (manager: string, owned: FieldSet): Entry[] =>
    owned.size === 0 ? [] : [newEntry(by.kind, { manager, now: by.writer.now }, { operation: 'Update', fields: owned })]
  return [...entry('kubectl-client-side-apply', applied), ...entry('before-first-apply', difference(fields, applied))]
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
/** Whoever applies under kubectl's own name is taken to go on with what kubectl applied on the client. */
const KUBECTL = 'kubectl'

/** What the last client-side apply set and nobody has changed since: its successor meets no conflict there (lastappliedmanager.go). */
function heldByLastApplied(live: KubeObject | undefined, lookup: TopologyLookup): ReadonlySet<string> {
  const applied = live === undefined ? undefined : lastAppliedObject(live)
  if (live === undefined || applied === undefined) return new Set()
  const changed = changedPaths(applied, live as unknown as JsonObject, lookup)
  return new Set([...ownedFields(applied, lookup).keys()].filter((key) => !changed.has(key)))
}

/** The annotation follows while there is one, so that a later client-side apply starts from here (lastappliedupdater.go). */
function withLastApplied(object: KubeObject, applied: KubeObject, manager: string): KubeObject {
  // A new object has no metadata of its own yet.
  const { annotations } = (object as Partial<KubeObject>).metadata ?? {}
  if (manager !== KUBECTL || annotations?.[LAST_APPLIED] === undefined) return object
  const { managedFields: _managed, annotations: own, ...metadata } = applied.metadata
  const { [LAST_APPLIED]: _last, ...rest } = own ?? {}
  const kept = Object.keys(rest).length === 0 ? metadata : { ...metadata, annotations: rest }
  const text = `${JSON.stringify({ ...applied, metadata: kept })}\n`
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } }
}

/**
 * What kubectl applied without the server's help. It takes over the fields of this manager when it first applies with
 * it, and only then can remove what its manifest no longer holds.
 */
function lastApplied(live: KubeObject, lookup: TopologyLookup): FieldSet {
  const object = lastAppliedObject(live)
  const annotation: FieldPath = ['f:metadata', 'f:annotations', `f:${LAST_APPLIED}`]
  return object === undefined ? new Map() : union(ownedFields(object, lookup), fieldSet([annotation]))
}

function lastAppliedObject(live: KubeObject): JsonObject | undefined {
  const text = live.metadata.annotations?.[LAST_APPLIED]
  if (text === undefined) return undefined
  try {
    const object: unknown = JSON.parse(text)
    return isObject(object) ? object : undefined
  } catch {
    // Anybody may write the annotation; unreadable, it says nothing.
    return undefined
  }
}

/** Fields whose value differs between the two, or that only one has. */
function changedPaths(before: JsonObject, after: JsonObject, lookup: TopologyLookup): ReadonlySet<string> {
  const old = ownedValues(withoutIdentity(before), lookup)
  const next = ownedValues(withoutIdentity(after), lookup)
  const changed = new Set<string>()
  for (const [key, { value }] of next) if (!old.has(key) || !sameJson(old.get(key)?.value, value)) changed.add(key)
  for (const key of old.keys()) if (!next.has(key)) changed.add(key)
  return changed
}

function conflictsWith(entry: Entry, contested: FieldSet): (FieldConflict & { readonly key: string })[] {
  const { manager = '', operation, apiVersion = '' } = entry
  const fields = decodeFields(entry.fieldsV1)
  const both = [...contested].filter(([key]) => fields.has(key))
  return both.map(([key, path]) => ({ key, manager, operation, apiVersion, field: printPath(path) }))
}

function existing(entry: ManagedFieldsEntry, present: FieldSet): Map<string, FieldPath> {
  return new Map([...decodeFields(entry.fieldsV1)].filter(([key]) => present.has(key)))
}

/** Undefined: the entry owns nothing any more. The time stays, since nobody wrote in its name. */
function withFields(entry: ManagedFieldsEntry, fields: FieldSet): ManagedFieldsEntry | undefined {
  return fields.size === 0 ? undefined : { ...entry, fieldsV1: encodeFields(fields) }
}

function newEntry(
  kind: KindDefinition,
  writer: Writer,
  what: { readonly operation: 'Apply' | 'Update'; readonly fields: FieldSet },
): Entry {
  return {
    manager: writer.manager,
    operation: what.operation,
    apiVersion: apiVersionOf(kind.info),
    time: writer.now,
    fieldsType: 'FieldsV1',
    fieldsV1: encodeFields(what.fields),
    ...(writer.subresource === undefined ? {} : { subresource: writer.subresource }),
  }
}
