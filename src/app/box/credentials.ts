/**
 * Who is who in a box: one random token per role, kept in a 0600 file of the state folder so that kubeconfigs go on
 * working after a restart. What each may do is bound to its user or group by the API server's bootstrap roles.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

export type Credential = {
  readonly user: string
  readonly groups: readonly string[]
  readonly token: string
}

/** Keyed by the role's short name: `admin`, `controllers`, `proxy`, `node-1`, `dns`. */
export type Credentials = ReadonlyMap<string, Credential>

export const DNS_SERVICE_ACCOUNT = { namespace: 'kube-system', name: 'signalbox-dns' } as const

export function loadCredentials(path: string, nodes: readonly string[]): Credentials {
  const stored = readStored(path)
  const wanted: [string, Omit<Credential, 'token'>][] = [
    ['admin', { user: 'admin', groups: ['system:masters'] }],
    ['controllers', { user: 'system:kube-controller-manager', groups: ['system:controllers'] }],
    ['proxy', { user: 'system:kube-proxy', groups: ['system:kube-proxy'] }],
    [
      'dns',
      {
        user: `system:serviceaccount:${DNS_SERVICE_ACCOUNT.namespace}:${DNS_SERVICE_ACCOUNT.name}`,
        groups: ['system:serviceaccounts', 'system:kube-dns'],
      },
    ],
    // The API server itself, when it fetches logs from a node.
    ['kubelet-client', { user: 'system:apiserver', groups: ['system:apiserver'] }],
    ...nodes.map((node): [string, Omit<Credential, 'token'>] => [
      node,
      { user: `system:node:${node}`, groups: ['system:nodes'] },
    ]),
  ]
  const credentials = new Map(
    wanted.map(([name, who]) => [name, { ...who, token: stored.get(who.user) ?? randomBytes(24).toString('hex') }]),
  )
  const file = [...credentials.values()].map(({ token, user, groups }) => ({ token, user, groups }))
  writeFileSync(`${path}.new`, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return credentials
}

/** Tokens by user. A file that cannot be read is replaced: whoever held its tokens gets new ones. */
function readStored(path: string): ReadonlyMap<string, string> {
  if (!existsSync(path)) return new Map()
  try {
    const entries = JSON.parse(readFileSync(path, 'utf8')) as readonly { user: string; token: string }[]
    return new Map(entries.map(({ user, token }) => [user, token]))
  } catch {
    return new Map()
  }
}
