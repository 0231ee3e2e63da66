/**
 * Empties namespaces that are being deleted, then lets them go (api-server.md 11), and gives each living one its `default`
 * ServiceAccount.
 *
 * Content is listed from the server, not from the informers: a namespace must be empty of every kind the server has,
 * whether or not this program knows it.
 */
import type { KubeObject, Namespace, ObjectKey, ResourceInfo } from '#api'
import { NAMESPACES, SERVICEACCOUNTS } from '#api'
import { hasCode } from '#lib'
import { createControllerQueue, isNamespaceGoing, unlessGone } from '../shared/controller-queue.ts'
import type { ControllerContext } from '../shared/shared-informers.ts'
import { discoverNamespaced } from './discover-namespaced.ts'

/** Pods take their grace period; look again after this many milliseconds. */
const CONTENT_LEFT_DELAY = 1000
const FINALIZER = 'kubernetes'
const ACCOUNT = 'default'

export function createNamespaceController(context: ControllerContext): void {
  const { client } = context
  const { namespaces, serviceAccounts } = context.informers

  const empty = async (namespace: ObjectKey, resource: ResourceInfo): Promise<number> => {
    let left = 0
    let token: string | undefined
    do {
      const page = await client.list<KubeObject>(resource, {
        namespace,
        limit: 500,
        ...(token === undefined ? {} : { continue: token }),
      })
      for (const { metadata } of page.items) {
        left += 1
        if (metadata.deletionTimestamp !== undefined) continue
        await unlessGone(client.delete(resource, { namespace, name: metadata.name }))
      }
      token = page.metadata.continue
    } while (token !== undefined && token !== '')
    return left
  }

  const terminate = async (key: ObjectKey): Promise<void> => {
    let left = 0
    for (const resource of await discoverNamespaced(client)) {
      try {
        left += await empty(key, resource)
      } catch (error) {
        // A resource that has gone since has none left.
        if (!hasCode(error, 'SBX_API_NOT_FOUND')) throw error
      }
    }
    if (left > 0) {
      queue.addAfter(key, CONTENT_LEFT_DELAY)
      return
    }
    const namespace = await client.get<Namespace>(NAMESPACES, { name: key })
    const finalizers = (namespace.spec?.finalizers ?? []).filter((name) => name !== FINALIZER)
    await unlessGone(
      client.update<Namespace>(
        NAMESPACES,
        { ...namespace, spec: { ...namespace.spec, finalizers } },
        { subresource: 'finalize' },
      ),
    )
  }

  const sync = async (key: ObjectKey): Promise<void> => {
    const namespace = namespaces.get(key)
    if (namespace === undefined) return
    if (namespace.metadata.deletionTimestamp !== undefined) {
      if ((namespace.spec?.finalizers ?? []).includes(FINALIZER)) await unlessGone(terminate(key))
      return
    }
    if (serviceAccounts.get(`${key}/${ACCOUNT}`) !== undefined) return
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: key, name: ACCOUNT } }
    try {
      await client.create(SERVICEACCOUNTS, account)
    } catch (error) {
      if (!hasCode(error, 'SBX_API_ALREADY_EXISTS') && !isNamespaceGoing(error)) throw error
    }
  }
  const queue = createControllerQueue(context, { controller: 'namespace', sync })

  namespaces.onChange(({ key }) => queue.add(key))
  serviceAccounts.onChange(({ before, after }) => {
    if (after === undefined && before?.metadata.name === ACCOUNT) queue.add(before.metadata.namespace ?? '')
  })
}
