/** Who somebody is and what they may do (api-server.md 17). */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'

import { hasCode } from '#lib'
import { ANONYMOUS, authenticate, openPki, readTokenFile } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-auth-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function tokenFile(text: string, mode = 0o600): string {
  const path = join(folder, 'tokens')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const bearer = (token: string): { authorization: string; certificate: undefined } => ({
  authorization: `Bearer ${token}`,
  certificate: undefined,
})

describe('token file', () => {
  it('reads JSON and CSV alike', () => {
    const json = readTokenFile(tokenFile('[{"token":"0123456789abcdef","user":"bob","groups":["g1","g2"]}]'))
    const csv = readTokenFile(tokenFile('# comment\n0123456789abcdef,bob,,"g1,g2"\n'))
    const expected = { name: 'bob', groups: ['g1', 'g2', 'system:authenticated'] }
    assert.deepEqual(authenticate(bearer('0123456789abcdef'), json), expected)
    assert.deepEqual(authenticate(bearer('0123456789abcdef'), csv), expected)
    assert.equal(authenticate(bearer('0123456789abcdeF'), json), undefined)
  })

  it('refuses files that others can read, short tokens and nonsense', () => {
    const refused = (path: string): void =>
      assert.throws(
        () => readTokenFile(path),
        (error) => hasCode(error, 'SBX_AUTH_TOKEN_FILE'),
      )
    refused(tokenFile('[]', 0o644))
    refused(tokenFile('short,bob'))
    refused(tokenFile('[{"token":'))
    refused(join(folder, 'missing'))
  })

  it('takes certificates before tokens and never an unverified one', () => {
    const certificate = { verified: true, commonName: 'ann', organizations: ['dev'] }
    const groups = ['dev', 'system:authenticated']
    assert.deepEqual(authenticate({ authorization: undefined, certificate }, new Map()), { name: 'ann', groups })
    const forged = { ...certificate, verified: false }
    assert.equal(authenticate({ authorization: undefined, certificate: forged }, new Map()), undefined)
    assert.equal(authenticate({ authorization: undefined, certificate: undefined }, new Map()), ANONYMOUS)
    assert.equal(authenticate({ authorization: 'Basic eDp5', certificate: undefined }, new Map()), undefined)
  })
})

describe('certificates', () => {
  const now = Date.UTC(2026, 5, 1)
  const names = { addresses: ['127.0.0.1', 'fd00::1'], dnsNames: ['localhost'] }

  it('makes a CA and a server certificate once, reuses them, and renews when names or time ask for it', async () => {
    const state = join(folder, 'pki')
    const first = await openPki(state, names, now)
    const server = new X509Certificate(first.serverCertificate)
    assert.ok(server.verify(new X509Certificate(first.caCertificate).publicKey))
    assert.ok(server.checkPrivateKey(createPrivateKey(first.serverKey)))
    assert.ok(server.checkIP('fd00::1') !== undefined && server.checkHost('localhost') !== undefined)
    for (const file of ['ca.key', 'server.key', 'ca.crt', 'server.crt']) {
      assert.equal(statSync(join(state, file)).mode & 0o777, 0o600, file)
    }
    const again = await openPki(state, names, now)
    assert.equal(again.serverCertificate, first.serverCertificate)
    const more = await openPki(state, { ...names, dnsNames: ['localhost', 'other'] }, now)
    assert.notEqual(more.serverCertificate, first.serverCertificate)
    assert.equal(more.caCertificate, first.caCertificate)
    const later = await openPki(state, names, now + 350 * 86_400_000)
    assert.notEqual(later.serverCertificate, more.serverCertificate)
  })

  it('issues client certificates that carry user and groups', async () => {
    const pki = await openPki(join(folder, 'pki2'), names, now)
    const { certificate } = await pki.issueClient({ name: 'admin', groups: ['system:masters', 'b'] })
    assert.equal(new X509Certificate(certificate).subject, 'O=system:masters\nO=b\nCN=admin')
  })
})
