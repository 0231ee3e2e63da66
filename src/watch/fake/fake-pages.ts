/** Pages of a list, all read at the revision of the first (api-server.md 7.1), until they expire. */
import type { KubeObject } from '#api'
import { SignalboxError } from '#lib'

type Snapshot = { readonly items: readonly KubeObject[]; readonly revision: number }

export interface FakePages {
  /** `take` is asked for the first page only. */
  read(
    take: () => Snapshot,
    page: { readonly limit?: number; readonly continue?: string },
  ): Snapshot & { readonly token: string | undefined }
  expire(): void
}

export function createFakePages(): FakePages {
  const pinned = new Map<string, { readonly snapshot: Snapshot; readonly start: number }>()
  let serial = 0
  return {
    read: (take, page) => {
      const from = page.continue === undefined ? { snapshot: take(), start: 0 } : pinned.get(page.continue)
      if (from === undefined) {
        throw new SignalboxError('SBX_API_EXPIRED', 'the continue token is too old', { facts: { status: 410 } })
      }
      const { snapshot, start } = from
      const end = start + (page.limit ?? snapshot.items.length)
      const items = snapshot.items.slice(start, end)
      if (end >= snapshot.items.length) return { items, revision: snapshot.revision, token: undefined }
      serial += 1
      const token = `page-${serial}`
      pinned.set(token, { snapshot, start: end })
      return { items, revision: snapshot.revision, token }
    },
    expire: () => pinned.clear(),
  }
}
