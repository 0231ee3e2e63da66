/** Numbers in the Prometheus text format 0.0.4: families with HELP and TYPE, samples with escaped labels. */
export type Labels = Readonly<Record<string, string>>

export type Family = {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

export type Sample = { readonly suffix?: string; readonly labels?: Labels; readonly value: number }

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function exposition(families: readonly Family[]): string {
  return families
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelText(labels)} ${number(value)}`,
      )
      return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join('\n')
    })
    .map((text) => `${text}\n`)
    .join('')
}

/** Counts of values up to each bound, kept without allocating. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
  }

  samples(labels: Labels): Sample[] {
    let total = 0
    const buckets = this.#bounds.map((bound, at): Sample => {
      total += this.#counts[at] as number
      return { suffix: '_bucket', labels: { ...labels, le: number(bound) }, value: total }
    })
    total += this.#counts[this.#bounds.length] as number
    return [
      ...buckets,
      { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: total },
      { suffix: '_sum', labels, value: this.#sum },
      { suffix: '_count', labels, value: total },
    ]
  }
}

/** `start` times `factor` to the power of 0, 1, … `count` - 1. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i)
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function number(value: number): string {
  if (value === Infinity) return '+Inf'
  return String(Number(value.toPrecision(15)))
}
