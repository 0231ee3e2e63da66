/**
 * GET of one object and of lists (api-server.md 7.1). Pages of one list are read at one revision: the state at that
 * revision is rebuilt from the event window, so nothing is pinned between the requests, and a page that comes too late is
 * told so with 410 and a token that continues at head.
 */
import type { ListMeta } from '#api'
import type { KindDefinition } from '../kinds/kind.ts'
import { badRequest, expired, notFound, Refused, unwrap } from '../status/index.ts'
import type { StoredObject } from '../storage/index.ts'
import type { ContinueToken } from './continue-token.ts'
import { decodeContinue, encodeContinue } from './continue-token.ts'
import type { Registry, Target } from './registry.ts'
import { keyOf, storageName } from './registry.ts'
import type { RevisionOptions } from './resource-version.ts'
import { checkListRevision, parseRevision, waitForRevision } from './resource-version.ts'
import type { Selection, SelectorTexts } from './select-objects.ts'
import { selectObjects } from './select-objects.ts'

export type ListRequest = SelectorTexts &
  RevisionOptions & {
    readonly kind: KindDefinition
    readonly namespace: string | undefined
    /** 0: no limit. */
    readonly limit: number
    readonly continueText: string
  }

export type ListAnswer = { readonly metadata: ListMeta; readonly items: readonly StoredObject[] }

export async function getObject(registry: Registry, target: Target, resourceVersion: string): Promise<StoredObject> {
  const { kind, name } = target
  if (resourceVersion !== '') await waitForRevision(registry.store, registry.clock, parseRevision(resourceVersion))
  const found = registry.store.table(storageName(kind.info)).get(keyOf(kind.info, target))
  if (found === undefined) throw new Refused(notFound(kind.info, name))
  return found
}

export async function listObjects(registry: Registry, request: ListRequest): Promise<ListAnswer> {
  const { kind, resourceVersion, continueText } = request
  checkListRevision({ ...request, continues: continueText !== '' })
  const selection = selectObjects(kind, request)
  if (continueText !== '') {
    const { token } = unwrap(decodeContinue(continueText))
    if (resourceVersion !== '' && resourceVersion !== '0') {
      throw new Refused(badRequest('specifying resource version is not allowed when using continue'))
    }
    return continueList(registry, request, { token, selection })
  }
  const revision = resourceVersion === '' ? 0 : parseRevision(resourceVersion)
  await waitForRevision(registry.store, registry.clock, revision)
  if (request.resourceVersionMatch === 'Exact') {
    const items = stateAt(registry, request, revision)
    if (items === undefined) throw new Refused(expired('The resourceVersion for the provided list is too old.'))
    return page({ items, revision, selection, limit: request.limit })
  }
  // A list that any cached state may answer is not chunked by kube-apiserver either.
  const limit = resourceVersion === '0' ? 0 : request.limit
  return page({ items: stateAtHead(registry, request), revision: registry.store.revision, selection, limit })
}

function continueList(
  registry: Registry,
  request: ListRequest,
  rest: { readonly token: ContinueToken; readonly selection: Selection },
): ListAnswer {
  const { token, selection } = rest
  const revision = token.revision < 0 ? registry.store.revision : token.revision
  const state = token.revision < 0 ? stateAtHead(registry, request) : stateAt(registry, request, revision)
  if (state === undefined || revision > registry.store.revision) {
    const message =
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'
    const metadata = { continue: encodeContinue({ revision: -1, after: token.after }) }
    throw new Refused({ ...expired(message), metadata })
  }
  const items = state.filter((stored) => stored.key > token.after)
  return page({ items, revision, selection, limit: request.limit })
}

function stateAtHead(registry: Registry, { kind, namespace }: ListRequest): readonly StoredObject[] {
  return registry.store.table(storageName(kind.info)).list(kind.info.namespaced ? namespace : undefined)
}

function stateAt(registry: Registry, request: ListRequest, revision: number): readonly StoredObject[] | undefined {
  const { kind, namespace } = request
  return registry.store.table(storageName(kind.info)).listAt(revision, kind.info.namespaced ? namespace : undefined)
}

function page(options: {
  readonly items: readonly StoredObject[]
  readonly revision: number
  readonly selection: Selection
  readonly limit: number
}): ListAnswer {
  const { selection, limit } = options
  const matching = selection.all ? options.items : options.items.filter((stored) => selection.matches(stored.object))
  const resourceVersion = String(options.revision)
  if (limit === 0 || matching.length <= limit) return { metadata: { resourceVersion }, items: matching }
  const items = matching.slice(0, limit)
  const token = encodeContinue({ revision: options.revision, after: (items.at(-1) as StoredObject).key })
  const remaining = matching.length - limit
  // Upstream cannot count what a selector would match, and leaves the number out.
  const metadata = { resourceVersion, continue: token, ...(selection.all ? { remainingItemCount: remaining } : {}) }
  return { metadata, items }
}
