/**
 * Kubeconfig file (client-go clientcmd/api/v1) to ApiConnection, for static credentials.
 *
 * What would change who we are or how we get there and is not supported (exec and auth-provider plugins, impersonation,
 * proxy-url) is refused, never ignored: ignoring it would act as somebody else.
 */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { messageOf, SignalboxError } from '#lib'
import type { ApiConnection } from './api-connection.ts'
import { tokenFromFile } from './read-token-file.ts'

type Fields = Readonly<Record<string, unknown>>

/** `context` picks one by name instead of current-context. Throws SBX_KUBECONFIG_UNREADABLE, _INVALID, _UNSUPPORTED. */
export function loadKubeconfig(options: { readonly path: string; readonly context?: string }): ApiConnection {
  const { path } = options
  const config = readConfig(path)
  const contextName = options.context ?? text(config, 'current-context')
  if (contextName === undefined) throw invalid(path, 'current-context is not set')
  const context = named(config, 'context', { name: contextName, path })
  const clusterName = text(context, 'cluster') ?? ''
  const cluster = named(config, 'cluster', { name: clusterName, path })
  const userName = text(context, 'user')
  const user = userName === undefined || userName === '' ? {} : named(config, 'user', { name: userName, path })
  refuseUnsupported({ path, user, userName: userName ?? '', cluster, clusterName })

  const server = text(cluster, 'server')
  if (server === undefined || !/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw invalid(path, `cluster ${clusterName} has no usable server URL`)
  }
  const pem = (from: Fields, key: string): string | undefined => pemOf({ from, key, path })
  const ca = pem(cluster, 'certificate-authority')
  const clientCertificate = pem(user, 'client-certificate')
  const clientKey = pem(user, 'client-key')
  if ((clientCertificate === undefined) !== (clientKey === undefined)) {
    throw invalid(path, `user ${userName} has a client certificate or a client key, but not both`)
  }
  const tlsServerName = text(cluster, 'tls-server-name')
  const authorization = authorizationOf(user, path)
  return {
    server,
    namespace: text(context, 'namespace') ?? 'default',
    context: contextName,
    ...(userName === undefined ? {} : { user: userName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cluster['insecure-skip-tls-verify'] === true ? { insecureSkipTlsVerify: true } : {}),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(clientCertificate === undefined || clientKey === undefined ? {} : { clientCertificate, clientKey }),
    ...(authorization === undefined ? {} : { authorization }),
  }
}

function readConfig(path: string): Fields {
  const content = readText(path, `kubeconfig ${path}`)
  let config: unknown
  try {
    config = parse(content)
  } catch (error) {
    throw new SignalboxError('SBX_KUBECONFIG_INVALID', `kubeconfig ${path} is not YAML`, { cause: error })
  }
  if (!isFields(config)) throw invalid(path, 'is empty or not a mapping')
  return config
}

/** Entry NAME of the lists `clusters`, `contexts` and `users`: its mapping under the singular key. */
function named(config: Fields, what: string, where: { name: string; path: string }): Fields {
  const list = config[`${what}s`]
  const entry = (Array.isArray(list) ? list : []).find((item) => isFields(item) && item['name'] === where.name)
  if (!isFields(entry)) throw invalid(where.path, `${what} ${JSON.stringify(where.name)} does not exist`)
  const body = entry[what]
  return isFields(body) ? body : {}
}

function refuseUnsupported(config: {
  path: string
  user: Fields
  userName: string
  cluster: Fields
  clusterName: string
}): void {
  const { path, user, userName, cluster, clusterName } = config
  const refuse = (fact: string): never => {
    throw new SignalboxError('SBX_KUBECONFIG_UNSUPPORTED', `kubeconfig ${path}: ${fact}`, { facts: { user: userName } })
  }
  if (isFields(user['exec'])) {
    refuse(`user ${userName} needs the exec plugin ${text(user['exec'], 'command') ?? '?'}, which is not supported`)
  }
  if (isFields(user['auth-provider'])) {
    const plugin = text(user['auth-provider'], 'name') ?? '?'
    refuse(`user ${userName} needs the auth-provider plugin ${plugin}, which is not supported`)
  }
  if (['as', 'as-uid', 'as-groups', 'as-user-extra'].some((key) => user[key] !== undefined)) {
    refuse(`user ${userName} impersonates another user, which is not supported`)
  }
  if (text(cluster, 'proxy-url') !== undefined) {
    refuse(`cluster ${clusterName} is reached through proxy-url, which is not supported`)
  }
}

/** A token file wins over an inline token, as in client-go; basic authentication is the last resort. */
function authorizationOf(user: Fields, path: string): (() => string) | undefined {
  const tokenFile = text(user, 'tokenFile')
  if (tokenFile !== undefined) return tokenFromFile(resolve(dirname(path), tokenFile))
  const token = text(user, 'token')
  if (token !== undefined) return () => `Bearer ${token}`
  const username = text(user, 'username')
  if (username === undefined) return undefined
  const basic = Buffer.from(`${username}:${text(user, 'password') ?? ''}`).toString('base64')
  return () => `Basic ${basic}`
}

/** `KEY-data` (base64) wins over the file named by `KEY`, which is relative to the kubeconfig's folder. */
function pemOf(where: { from: Fields; key: string; path: string }): string | undefined {
  const data = text(where.from, `${where.key}-data`)
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
  const file = text(where.from, where.key)
  return file === undefined ? undefined : readText(resolve(dirname(where.path), file), `${where.key} ${file}`)
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SignalboxError('SBX_KUBECONFIG_UNREADABLE', `${what} cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function text(from: Fields, key: string): string | undefined {
  const value = from[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(path: string, fact: string): SignalboxError {
  return new SignalboxError('SBX_KUBECONFIG_INVALID', `kubeconfig ${path}: ${fact}`)
}
