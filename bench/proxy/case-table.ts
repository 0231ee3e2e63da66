/** One line a case, in the columns of the table it is to be held against. */
import type { Found } from './measure.ts'

export function caseTable(cases: readonly Found[]): string {
  const rows = cases.map((found) => {
    const { mode, legacy, services, endpoints, change, streamed, packets } = found
    const name = legacy === true ? `${mode} (legacy)` : mode
    const extra = (what: 'first' | 'last'): string =>
      packets === undefined
        ? ''
        : `${Math.round(packets[what].p50)} (${(packets[what].p50 / packets.miss.p50).toFixed(2)})`
    const cells = [
      name,
      `${services} × ${endpoints}`,
      found.load,
      `${found.coldSeconds} s (CPU ${found.coldCpuSeconds} s)`,
      `${found.resident}, ${found.highest} MiB`,
      change === undefined ? '' : `${change.p50}, ${change.p99} ms`,
      change === undefined ? '' : `${change.cpu} ms`,
      streamed === undefined ? '' : `${streamed.cores}`,
      packets === undefined ? '' : Math.round(packets.miss.p50),
      extra('first'),
      extra('last'),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const head = [
    'mode',
    'services × endpoints',
    'load at start',
    'cold start',
    'resident: end, highest',
    'one change: p50, p99',
    'CPU a change',
    'cores at 100 changes/s',
    'connect µs: miss',
    'first service (× miss)',
    'last service (× miss)',
  ]
  const rule = head.map(() => '---').join(' | ')
  return ['## Case by case', '', `| ${head.join(' | ')} |`, `| ${rule} |`, ...rows, ''].join('\n')
}
