/**
 * The server's own certificate authority, in a folder of 0600 files: made once, reused while it fits, so that kubeconfigs
 * keep working across restarts. ECDSA P-256; Go clients require subject alternative names (api-server.md 17).
 */
import type * as X509 from '@peculiar/x509'
import type { webcrypto } from 'node:crypto'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { canonicalAddress, isAddress } from '#lib'

export type ServerNames = { readonly addresses: readonly string[]; readonly dnsNames: readonly string[] }

export type Pki = {
  /** PEM. */
  readonly caCertificate: string
  readonly serverCertificate: string
  readonly serverKey: string
  /** A client certificate: `O=groups, CN=user`. PEM certificate and PKCS#8 key. */
  readonly issueClient: (user: {
    readonly name: string
    readonly groups: readonly string[]
  }) => Promise<{ readonly certificate: string; readonly key: string }>
}

const DAY = 86_400_000
const CA_DAYS = 3_650
const LEAF_DAYS = 365
/** A certificate this close to its end is replaced at start. */
const RENEW_DAYS = 30

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

export async function openPki(folder: string, names: ServerNames, now: number): Promise<Pki> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const ca = await openAuthority(folder, now)
  const server = await openServer(folder, { ca, names }, now)
  return {
    caCertificate: ca.certificate,
    serverCertificate: server.certificate,
    serverKey: server.key,
    issueClient: ({ name, groups }) => {
      const subject = [...groups.map((group) => ({ O: [group] })), { CN: [name] }]
      return issue(ca, { subject, usage: CLIENT_AUTH, names: { addresses: [], dnsNames: [] } }, now)
    },
  }
}

type Pair = { readonly certificate: string; readonly key: string }

/** Loaded on first use: 170 ms that a server with a ready-made certificate does not spend. */
async function library(): Promise<typeof X509> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function openAuthority(folder: string, now: number): Promise<Pair> {
  const stored = readPair(folder, 'ca')
  if (stored !== undefined && isCurrent(stored, now)) return stored
  const x509 = await library()
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=signalbox-ca',
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + CA_DAYS * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return writePair(folder, 'ca', {
    certificate: `${certificate.toString('pem')}\n`,
    key: await keyPem(keys.privateKey),
  })
}

async function openServer(folder: string, from: { ca: Pair; names: ServerNames }, now: number): Promise<Pair> {
  const { ca, names } = from
  const stored = readPair(folder, 'server')
  if (stored !== undefined && isCurrent(stored, now) && fits(stored, ca, names)) return stored
  const subject = [{ CN: ['signalbox-apiserver'] }]
  return writePair(folder, 'server', await issue(ca, { subject, usage: SERVER_AUTH, names }, now))
}

async function issue(
  ca: Pair,
  leaf: { readonly subject: Record<string, string[]>[]; readonly usage: string; readonly names: ServerNames },
  now: number,
): Promise<Pair> {
  const x509 = await library()
  const authority = new x509.X509Certificate(ca.certificate)
  const pkcs8 = createPrivateKey(ca.key).export({ type: 'pkcs8', format: 'der' })
  const signingKey = await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, false, ['sign'])
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const { addresses, dnsNames } = leaf.names
  const alternatives = [
    ...addresses.map((value) => ({ type: 'ip' as const, value })),
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: leaf.subject,
    issuer: authority.subjectName,
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + LEAF_DAYS * DAY),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([leaf.usage]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ...(alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key))
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' }) as string
}

/** Positive and at most 20 bytes (RFC 5280 4.1.2.2). */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

function isCurrent({ certificate }: Pair, now: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  return validFromDate.getTime() <= now && validToDate.getTime() - RENEW_DAYS * DAY > now
}

function fits(server: Pair, ca: Pair, names: ServerNames): boolean {
  const certificate = new X509Certificate(server.certificate)
  if (!certificate.verify(new X509Certificate(ca.certificate).publicKey)) return false
  if (!certificate.checkPrivateKey(createPrivateKey(server.key))) return false
  return (
    names.addresses.every((address) => certificate.checkIP(canonicalAddress(address) ?? address) !== undefined) &&
    names.dnsNames.every((name) => !isAddress(name) && certificate.checkHost(name) !== undefined)
  )
}

function readPair(folder: string, name: string): Pair | undefined {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  if (!existsSync(certificate) || !existsSync(key)) return undefined
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** Each file appears whole or not at all; the key first, so that a certificate never lacks its key. */
function writePair(folder: string, name: string, pair: Pair): Pair {
  for (const [suffix, text] of [
    ['key', pair.key],
    ['crt', pair.certificate],
  ] as const) {
    const path = join(folder, `${name}.${suffix}`)
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  return pair
}
