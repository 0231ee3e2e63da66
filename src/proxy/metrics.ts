/**
 * Counters, gauges and histograms, and the text that Prometheus reads (exposition format 0.0.4). Values live in the
 * registry they were made with; nothing is global.
 */
export type Labels = Readonly<Record<string, string>>

export type Metric = {
  /** The value of a counter or gauge, the number of observations of a histogram; 0 if there is none yet. */
  readonly value: (labels?: Labels) => number
}
export type Counter = Metric & { readonly add: (labels?: Labels, by?: number) => void }
export type Gauge = Metric & { readonly set: (labels: Labels, value: number) => void }
export type Histogram = Metric & { readonly observe: (labels: Labels, value: number) => void }

export interface MetricRegistry {
  counter(name: string, help: string): Counter
  gauge(name: string, help: string): Gauge
  /** `buckets`: upper bounds, ascending. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
  expose(): string
}

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

type Family = { readonly name: string; readonly help: string; readonly type: string; readonly lines: () => string[] }

export function createMetricRegistry(): MetricRegistry {
  const families: Family[] = []
  const simple = (name: string, help: string, type: 'counter' | 'gauge') => {
    const values = new Map<string, number>()
    families.push({
      name,
      help,
      type,
      lines: () => [...values].map(([labels, value]) => `${name}${labels} ${print(value)}`),
    })
    return values
  }
  return {
    counter: (name, help) => {
      const values = simple(name, help, 'counter')
      return {
        add: (labels = {}, by = 1) => void values.set(labelText(labels), (values.get(labelText(labels)) ?? 0) + by),
        value: (labels = {}) => values.get(labelText(labels)) ?? 0,
      }
    },
    gauge: (name, help) => {
      const values = simple(name, help, 'gauge')
      return {
        set: (labels, value) => void values.set(labelText(labels), value),
        value: (labels = {}) => values.get(labelText(labels)) ?? 0,
      }
    },
    histogram: (name, help, buckets) => {
      const held = new Map<string, { readonly labels: Labels; readonly counts: number[]; sum: number; count: number }>()
      families.push({
        name,
        help,
        type: 'histogram',
        lines: () =>
          [...held.values()].flatMap(({ labels, counts, sum, count }) => [
            ...buckets.map(
              (bound, index) => `${name}_bucket${labelText({ ...labels, le: print(bound) })} ${counts[index] ?? 0}`,
            ),
            `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`,
            `${name}_sum${labelText(labels)} ${print(sum)}`,
            `${name}_count${labelText(labels)} ${count}`,
          ]),
      })
      return {
        observe: (labels, value) => {
          const key = labelText(labels)
          const entry = held.get(key) ?? { labels, counts: buckets.map(() => 0), sum: 0, count: 0 }
          held.set(key, entry)
          for (const [index, bound] of buckets.entries())
            if (value <= bound) entry.counts[index] = (entry.counts[index] ?? 0) + 1
          entry.sum += value
          entry.count += 1
        },
        value: (labels = {}) => held.get(labelText(labels))?.count ?? 0,
      }
    },
    expose: () =>
      families
        .map(({ name, help, type, lines }) =>
          [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines(), ''].join('\n'),
        )
        .join(''),
  }
}

function labelText(labels: Labels): string {
  const parts = Object.keys(labels)
    .sort()
    .map((name) => `${name}="${escape(labels[name] ?? '')}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function print(value: number): string {
  return Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : 'NaN'
}
