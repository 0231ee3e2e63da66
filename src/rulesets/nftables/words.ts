/** The small words of nft's language: durations, quoted text, priorities. */
import type { NftHook } from './ast.ts'

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const

/** `3h`, `1d2h`, `1m30s500ms` */
export function printDuration(milliseconds: number): string {
  let rest = milliseconds
  let text = ''
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size)
    if (count > 0) text += `${count}${unit}`
    rest -= count * size
  }
  return text === '' ? '0s' : text
}

export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  if (!/^(?:\d+(?:d|h|ms|m|s))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count = '', unit] of text.matchAll(/(\d+)(d|h|ms|m|s)/g)) {
    sum += Number(count) * (UNITS.find(([name]) => name === unit)?.[1] ?? 0)
  }
  return sum
}

/** nft knows no way to write a quote inside quotes, nor a line break. */
export function printQuoted(text: string): string {
  return `"${text.replaceAll('"', "'").replaceAll(/[\n\r\0]/g, ' ')}"`
}

type Place = { readonly name: string; readonly priority: number; readonly hook?: NftHook }

const PRIORITIES: readonly Place[] = [
  { name: 'raw', priority: -300 },
  { name: 'mangle', priority: -150 },
  { name: 'dstnat', priority: -100, hook: 'prerouting' },
  { name: 'filter', priority: 0 },
  { name: 'security', priority: 50 },
  { name: 'srcnat', priority: 100, hook: 'postrouting' },
]
/** How far from a named priority nft still counts from it. */
const REACH = 10

export function printPriority(priority: number, hook: NftHook): string {
  const near = PRIORITIES.find(
    (place) => Math.abs(priority - place.priority) <= REACH && (place.hook === undefined || place.hook === hook),
  )
  if (near === undefined) return String(priority)
  const offset = priority - near.priority
  return offset === 0 ? near.name : `${near.name} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}`
}

export function parsePriority(text: string): number | undefined {
  if (/^-?\d+$/.test(text)) return Number(text)
  const [name, sign, offset, ...rest] = text.split(' ')
  const near = PRIORITIES.find((place) => place.name === name)
  if (near === undefined || rest.length > 0) return undefined
  if (sign === undefined) return near.priority
  return /^[+-]$/.test(sign) && /^\d+$/.test(offset ?? '') ? near.priority + Number(`${sign}${offset}`) : undefined
}
