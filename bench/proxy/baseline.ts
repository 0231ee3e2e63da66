/** kube-proxy's numbers for the same questions: quoted, measured elsewhere on a like machine, never in the run beside them. */
export const BASELINE = [
  { proxy: 'kube-proxy 1.36.2 nftables', services: 1000, cold: 1.0, resident: 115, change: 180, cpu: 202 },
  { proxy: 'kube-proxy 1.36.2 nftables', services: 10_000, cold: 40, resident: 603, change: 5400, cpu: 4900 },
  { proxy: 'kube-proxy 1.30 iptables (nf_tables)', services: 1000, cold: 5.7, resident: 136, change: 119, cpu: 122 },
  { proxy: 'kube-proxy 1.30 iptables (legacy)', services: 10_000, cold: 9.9, resident: 544 },
] as const

export function baselineTable(): string {
  const rows = BASELINE.map((row) => {
    const change = 'change' in row ? [`${row.change} ms`, `${row.cpu} ms`] : ['', '']
    return `| ${[row.proxy, row.services, `${row.cold} s`, `${row.resident} MiB`, ...change].join(' | ')} |`
  })
  return [
    '## kube-proxy, for comparison',
    '',
    'Quoted: measured elsewhere, on a like machine (2 cores), and not in this run. Compare ratios and orders of magnitude.',
    '',
    '| proxy | services × 10 endpoints | cold start | resident | one change, p50 | CPU a change |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
