/** A kubeconfig with one cluster, one user and one context: mode 0600 from the first byte, and replaced atomically. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { stringify } from 'yaml'

export type KubeconfigContent = {
  /** Name of the cluster, the user and the context. */
  readonly name: string
  readonly server: string
  /** PEM. */
  readonly ca?: string
  readonly token?: string
  /** PEM. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  readonly tlsServerName?: string
  readonly insecureSkipTlsVerify?: boolean
  readonly namespace?: string
}

export function writeKubeconfig(path: string, content: KubeconfigContent): void {
  const text = stringify(kubeconfigOf(content), { lineWidth: 0 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    // `wx` refuses a file or link that is already there, so the mode holds and no link is followed.
    const file = openSync(draft, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

function kubeconfigOf(content: KubeconfigContent): unknown {
  const { name } = content
  const base64 = (pem: string): string => Buffer.from(pem, 'utf8').toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: content.server,
          ...(content.ca === undefined ? {} : { 'certificate-authority-data': base64(content.ca) }),
          ...(content.tlsServerName === undefined ? {} : { 'tls-server-name': content.tlsServerName }),
          ...(content.insecureSkipTlsVerify === true ? { 'insecure-skip-tls-verify': true } : {}),
        },
      },
    ],
    users: [
      {
        name,
        user: {
          ...(content.token === undefined ? {} : { token: content.token }),
          ...(content.clientCertificate === undefined
            ? {}
            : { 'client-certificate-data': base64(content.clientCertificate) }),
          ...(content.clientKey === undefined ? {} : { 'client-key-data': base64(content.clientKey) }),
        },
      },
    ],
    contexts: [
      {
        name,
        context: {
          cluster: name,
          user: name,
          ...(content.namespace === undefined ? {} : { namespace: content.namespace }),
        },
      },
    ],
    'current-context': name,
  }
}
