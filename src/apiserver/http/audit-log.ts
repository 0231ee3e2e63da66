/**
 * Who did what, one line of JSON a request, in the form of audit.k8s.io/v1 at level Metadata: never a body, a token or a
 * header beyond the program's name. Health checks are left out, as upstream's usual policies do.
 */
import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { randomUUID } from 'node:crypto'

import type { Clock, Logger } from '#lib'
import { messageOf, SignalboxError } from '#lib'
import type { User } from '../registry/index.ts'
import type { ResourceRoute, Route } from './route.ts'

export type AuditRecord = {
  readonly uri: string
  readonly verb: string
  readonly user: User | undefined
  /** Whom the user acted for. */
  readonly impersonated: User | undefined
  readonly address: string
  readonly userAgent: string
  readonly route: Route | undefined
  readonly code: number
  /** Milliseconds since the epoch. */
  readonly received: number
}

export type AuditLog = { readonly record: (entry: AuditRecord) => void; readonly close: () => void }

export type AuditLogOptions = {
  readonly path: string
  readonly clock: Clock
  readonly logger: Logger
  readonly maxBytes?: number
}

/** The file is set aside as `.1` then; two such files at the most (--audit-log-maxsize). */
const MAX_BYTES = 100 * 1024 * 1024

/** @throws SBX_APISERVER_AUDIT_LOG if the file cannot be written. */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { path, clock, logger } = options
  const maxBytes = options.maxBytes ?? MAX_BYTES
  let file: number
  let size: number
  let isClosed = false
  try {
    file = openSync(path, 'a', 0o600)
    size = statSync(path).size
  } catch (cause) {
    const text = `the audit log ${path} cannot be written: ${messageOf(cause)}`
    throw new SignalboxError('SBX_APISERVER_AUDIT_LOG', text, { cause, facts: { path } })
  }
  const rotate = (): void => {
    closeSync(file)
    renameSync(path, `${path}.1`)
    file = openSync(path, 'a', 0o600)
    size = 0
  }
  return {
    record: (entry) => {
      // The descriptor may be another file's by then.
      if (isClosed) return
      const line = Buffer.from(`${JSON.stringify(eventOf(entry, clock.now()))}\n`)
      try {
        if (size > 0 && size + line.length > maxBytes) rotate()
        size += writeSync(file, line)
      } catch (error) {
        logger.error('the audit log cannot be written', { path, reason: messageOf(error) })
      }
    },
    close: () => {
      if (!isClosed) closeSync(file)
      isClosed = true
    },
  }
}

function eventOf(entry: AuditRecord, now: number): object {
  const { route, user, impersonated, code } = entry
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: randomUUID(),
    stage: 'ResponseComplete',
    requestURI: entry.uri.slice(0, 4096),
    verb: entry.verb,
    user: userInfo(user),
    ...(impersonated === undefined ? {} : { impersonatedUser: userInfo(impersonated) }),
    sourceIPs: [entry.address],
    userAgent: entry.userAgent.slice(0, 1024),
    ...(route?.type === 'resource' ? { objectRef: objectRef(route) } : {}),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: microTime(entry.received),
    stageTimestamp: microTime(now),
  }
}

function userInfo(user: User | undefined): object {
  if (user === undefined) return {}
  return { username: user.name, ...(user.uid === undefined ? {} : { uid: user.uid }), groups: user.groups }
}

function objectRef({ group, version, resource, namespace, name, subresource }: ResourceRoute): object {
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === undefined ? {} : { subresource }),
  }
}

/** Go's MicroTime. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('Z', '000Z')
}
