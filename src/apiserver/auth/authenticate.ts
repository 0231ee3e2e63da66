/**
 * Who a request comes from: a bearer token of the token file, or a client certificate of our own CA (CN = user, O = groups).
 * A credential that is presented and wrong is a 401; none at all is `system:anonymous` (api-server.md 17).
 */
import { createHash } from 'node:crypto'

import type { User } from '../registry/index.ts'

/** Tokens are kept and looked up by their SHA-256, so that comparison time tells nothing about them. */
export type TokenTable = ReadonlyMap<string, User>

export type ClientCertificate = {
  /** Whether the TLS layer verified it against our CA. */
  readonly verified: boolean
  readonly commonName: string
  readonly organizations: readonly string[]
}

export type Credentials = {
  readonly authorization: string | undefined
  readonly certificate: ClientCertificate | undefined
}

const AUTHENTICATED = 'system:authenticated'

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** Undefined: the credential is bad. */
export function authenticate(credentials: Credentials, tokens: TokenTable): User | undefined {
  const { authorization, certificate } = credentials
  if (certificate !== undefined) {
    if (!certificate.verified || certificate.commonName === '') return undefined
    return { name: certificate.commonName, groups: [...certificate.organizations, AUTHENTICATED] }
  }
  if (authorization === undefined) return ANONYMOUS
  const match = /^bearer +(\S+) *$/i.exec(authorization)
  const user = match === null ? undefined : tokens.get(tokenDigest(match[1] as string))
  if (user === undefined) return undefined
  return { ...user, groups: [...user.groups, AUTHENTICATED] }
}

export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
