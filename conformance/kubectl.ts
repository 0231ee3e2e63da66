/** Real kubectl binaries for conformance tests: which ones there are, and a cluster and home of their own for each. */
import { execFile, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import type { ApiServer } from '#apiserver'
import { runApiServer } from '#apiserver'
import { silentLogger, systemClock } from '#lib'

/**
 * `SIGNALBOX_KUBECTL` names one or several binaries (separated like PATH) and each must exist; otherwise the one on PATH,
 * if any.
 */
export function kubectlBinaries(): readonly string[] {
  const named = process.env['SIGNALBOX_KUBECTL']
  if (named !== undefined && named !== '') {
    const binaries = named.split(delimiter)
    for (const binary of binaries) accessSync(binary, constants.X_OK)
    return binaries
  }
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl'))
  return onPath.filter(isExecutable).slice(0, 1)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export type Output = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type Kubectl = {
  readonly server: ApiServer
  /** Runs to the end; `input` goes to stdin. */
  run(
    args: readonly string[],
    options?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<Output>
  /** Like `run`, and throws with stderr unless it exits 0. */
  ok(args: readonly string[], input?: string): Promise<string>
  /** Starts a command that does not end by itself; `until` resolves when its output matches. */
  follow(args: readonly string[]): { until(pattern: RegExp): Promise<string>; stop(): void }
  readonly folder: string
  close(): Promise<void>
}

export async function startKubectl(binary: string): Promise<Kubectl> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-kubectl-'))
  const server = await runApiServer({
    stateDir: join(folder, 'state'),
    listen: { host: '127.0.0.1', port: 0 },
    advertise: { addresses: ['127.0.0.1', '::1'], port: 0 },
    serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    clock: systemClock,
    logger: silentLogger,
  })
  const admin = await server.issueClientCertificate({ name: 'admin', groups: ['system:masters'] })
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'c', cluster: { server: server.url, 'certificate-authority-data': base64(server.caCertificate) } },
    ],
    users: [
      {
        name: 'u',
        user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) },
      },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig), { mode: 0o600 })
  mkdirSync(join(folder, 'home'))
  // A home of its own: discovery is cached there for hours.
  const env = { PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home'), KUBECONFIG: join(folder, 'kubeconfig') }

  const run: Kubectl['run'] = (args, options = {}) =>
    new Promise((resolve) => {
      const child = execFile(
        binary,
        [...args],
        { env: { ...env, ...options.env }, timeout: 60_000 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
          resolve({ code, stdout, stderr })
        },
      )
      child.stdin?.end(options.input ?? '')
    })
  return {
    server,
    folder,
    run,
    ok: async (args, input) => {
      const output = await run(args, input === undefined ? {} : { input })
      if (output.code !== 0) throw new Error(`kubectl ${args.join(' ')} exited ${output.code}: ${output.stderr}`)
      return output.stdout
    },
    follow: (args) => {
      const child = spawn(binary, [...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      let wake: () => void = () => undefined
      let ended = false
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          wake()
        })
      }
      child.on('close', () => {
        ended = true
        wake()
      })
      return {
        until: async (pattern) => {
          while (!pattern.test(text)) {
            if (ended) throw new Error(`kubectl ${args.join(' ')} ended with: ${text}`)
            await new Promise<void>((resolve) => (wake = resolve))
          }
          return text
        },
        stop: () => void child.kill('SIGKILL'),
      }
    },
    close: async () => {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
