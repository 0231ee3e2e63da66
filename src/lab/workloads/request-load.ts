/**
 * Traffic as a client makes it, from inside a pod: N requests to a URL by name through the system's resolver, each on a new
 * connection (so that each is balanced anew), a few at a time.
 *
 *   request-load.ts URL [--count N] [--concurrency N] [--timeout MS] [--lines]
 *
 * Prints a summary as one JSON object, with --lines one object per request before it. Exit status 0: all were answered
 * with a status below 400.
 */
import { request } from 'node:http'
import { parseArgs } from 'node:util'

type Outcome = {
  readonly ok: boolean
  readonly milliseconds: number
  /** The `pod` of the answer, where it is the built-in echo's. */
  readonly pod?: string
  readonly status?: number
  /** The address that was connected to: the virtual one, for a Service. */
  readonly address?: string
  /** `ECONNREFUSED`, `ENOTFOUND`, `timeout`, `http-503`… */
  readonly error?: string
}

const BODY_LIMIT = 1_048_576

function askOnce(url: URL, timeout: number): Promise<Outcome> {
  const started = performance.now()
  const milliseconds = (): number => Math.round((performance.now() - started) * 1000) / 1000
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      resolve({ ok: false, milliseconds: milliseconds(), error: error.code ?? error.name })
    }
    const asked = request(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      const chunks: Buffer[] = []
      const address = response.socket.remoteAddress
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= BODY_LIMIT) chunks.push(chunk)
      })
      response.on('error', fail)
      response.on('end', () => {
        clearTimeout(timer)
        const status = response.statusCode ?? 0
        const ok = status > 0 && status < 400
        const pod = podOf(Buffer.concat(chunks).toString('utf8'))
        resolve({
          ok,
          milliseconds: milliseconds(),
          status,
          ...(pod === undefined ? {} : { pod }),
          ...(address === undefined ? {} : { address }),
          ...(ok ? {} : { error: `http-${status}` }),
        })
      })
    })
    const timer = setTimeout(() => {
      resolve({ ok: false, milliseconds: milliseconds(), error: 'timeout' })
      asked.destroy()
    }, timeout)
    asked.on('error', (error) => {
      clearTimeout(timer)
      fail(error)
    })
    asked.end()
  })
}

function podOf(body: string): string | undefined {
  try {
    const value = JSON.parse(body) as { pod?: unknown }
    return typeof value.pod === 'string' ? value.pod : undefined
  } catch {
    // Not the echo's answer: any other server is fine too.
    return undefined
  }
}

function tally(values: readonly (string | undefined)[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '100' },
    concurrency: { type: 'string', default: '10' },
    timeout: { type: 'string', default: '5000' },
    lines: { type: 'boolean', default: false },
  },
})
const [target] = positionals
if (target === undefined || !URL.canParse(target)) {
  process.stderr.write('usage: request-load URL [--count N] [--concurrency N] [--timeout MS] [--lines]\n')
  process.exit(2)
}
const url = new URL(target)
const count = Number(values.count)
const outcomes: Outcome[] = []
let begun = 0

async function worker(): Promise<void> {
  while (begun < count) {
    begun += 1
    const outcome = await askOnce(url, Number(values.timeout))
    outcomes.push(outcome)
    if (values.lines) process.stdout.write(`${JSON.stringify(outcome)}\n`)
  }
}

await Promise.all(Array.from({ length: Math.max(1, Number(values.concurrency)) }, worker))
const times = outcomes.map((outcome) => outcome.milliseconds).sort((a, b) => a - b)
const answered = outcomes.filter((outcome) => outcome.ok).length
process.stdout.write(
  `${JSON.stringify({
    url: url.href,
    requests: outcomes.length,
    answered,
    pods: tally(outcomes.map((outcome) => outcome.pod)),
    addresses: tally(outcomes.map((outcome) => outcome.address)),
    errors: tally(outcomes.map((outcome) => outcome.error)),
    milliseconds: { median: percentile(times, 0.5), p99: percentile(times, 0.99), max: times.at(-1) },
  })}\n`,
)
process.exitCode = answered === outcomes.length && outcomes.length > 0 ? 0 : 1
