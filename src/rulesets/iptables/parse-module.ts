/**
 * One match module's options as matches. A module is understood whole or not at all: half of its options read and half
 * ignored would be a rule that says something else. The exception are the protocol modules, whose ports are separate
 * conditions of their own.
 */
import type { Match } from './ast.ts'
import { parseMark } from './parse-mark.ts'
import type { Word } from './tokenize.ts'

type Option = { readonly name: string; readonly negated: boolean; readonly values: readonly Word[] }

export function parseModule(module: string, words: readonly Word[]): readonly Match[] {
  const ports = /^(?:tcp|udp|sctp)$/.test(module) ? parsePorts(module, words) : undefined
  return ports ?? readers[module]?.(optionsOf(words)) ?? [other(module, words)]
}

const readers: Readonly<Record<string, (options: readonly Option[]) => readonly Match[] | undefined>> = {
  comment: ([comment, ...rest]) =>
    comment?.name === '--comment' && comment.values.length === 1 && rest.length === 0
      ? [{ kind: 'comment', text: comment.values[0]?.text ?? '' }]
      : undefined,

  conntrack: ([state, ...rest]) =>
    state?.name === '--ctstate' && state.values.length === 1 && rest.length === 0
      ? [{ kind: 'conntrack-state', states: (state.values[0]?.text ?? '').split(','), ...not(state) }]
      : undefined,

  mark: ([mark, ...rest]) => {
    const parsed =
      mark?.name === '--mark' && mark.values.length === 1 ? parseMark(mark.values[0]?.text ?? '') : undefined
    if (mark === undefined || parsed === undefined || rest.length > 0) return undefined
    return [{ kind: 'mark', value: parsed.value, mask: parsed.mask, ...not(mark) }]
  },

  addrtype: (options) => {
    const matches = options.map((option): Match | undefined => {
      const type = option.values[0]?.text
      if (type === undefined || option.values.length !== 1) return undefined
      if (option.name === '--src-type') return { kind: 'address-type', of: 'source', type, ...not(option) }
      if (option.name === '--dst-type') return { kind: 'address-type', of: 'destination', type, ...not(option) }
      return undefined
    })
    return matches.length > 0 && matches.every((match) => match !== undefined) ? matches : undefined
  },

  statistic: ([mode, probability, ...rest]) => {
    if (mode?.name !== '--mode' || mode.values[0]?.text !== 'random' || rest.length > 0) return undefined
    if (probability?.name !== '--probability' || probability.values.length !== 1) return undefined
    const value = Number(probability.values[0]?.text)
    if (!(value >= 0 && value <= 1)) return undefined
    return [{ kind: 'random', probability: value, ...not(probability) }]
  },

  recent: (options) => {
    const byName = new Map(options.map((option) => [option.name, option]))
    const known = /^--(?:set|rcheck|update|remove|seconds|reap|name|mask|rsource|rdest)$/
    if (byName.size !== options.length || options.some((option) => !known.test(option.name))) return undefined
    const [action, second] = options.filter((option) => /^--(?:set|rcheck|update|remove)$/.test(option.name))
    const seconds = byName.get('--seconds')?.values[0]?.text
    const mask = byName.get('--mask')?.values[0]?.text
    if (action === undefined || second !== undefined || (seconds !== undefined && !/^\d+$/.test(seconds)))
      return undefined
    return [
      {
        kind: 'recent',
        action: action.name.slice(2) as 'set' | 'rcheck' | 'update' | 'remove',
        // xt_recent's own name for a rule that gives none.
        list: byName.get('--name')?.values[0]?.text ?? 'DEFAULT',
        ...(seconds === undefined ? {} : { seconds: Number(seconds) }),
        ...(byName.has('--reap') ? { reap: true } : {}),
        side: byName.has('--rdest') ? 'destination' : 'source',
        ...(mask === undefined ? {} : { mask }),
        ...not(action),
      },
    ]
  },
}

function parsePorts(protocol: string, words: readonly Word[]): readonly Match[] {
  const matches: Match[] = []
  const rest: Word[] = []
  for (const option of optionsOf(words)) {
    const kind = portKind(option.name)
    const range = option.values.length === 1 ? parseRange(option.values[0]?.text ?? '') : undefined
    if (kind !== undefined && range !== undefined) matches.push({ kind, protocol, ...range, ...not(option) })
    else rest.push(...wordsOf(option))
  }
  return rest.length > 0 || matches.length === 0 ? [...matches, other(protocol, rest)] : matches
}

function portKind(option: string): 'source-port' | 'destination-port' | undefined {
  if (option === '--sport' || option === '--source-port') return 'source-port'
  return option === '--dport' || option === '--destination-port' ? 'destination-port' : undefined
}

/** `80`, `80:90`, `:90`, `80:`; `undefined` for service names. */
function parseRange(text: string): { readonly from: number; readonly to: number } | undefined {
  const parts = /^(\d{0,5})(?:(:)(\d{0,5}))?$/.exec(text)
  if (parts === null || text === '') return undefined
  const [, first = '', colon, last = ''] = parts
  const from = first === '' ? 0 : Number(first)
  const to = colon === undefined ? from : last === '' ? 65535 : Number(last)
  return from <= to && to <= 65535 ? { from, to } : undefined
}

/** `! --name value value` or, the old way, `--name ! value`. Words before the first option are an option without a name. */
function optionsOf(words: readonly Word[]): readonly Option[] {
  const options: { name: string; negated: boolean; values: Word[] }[] = []
  let negated = false
  for (const word of words) {
    const last = options.at(-1)
    if (word.raw === '!') {
      negated = true
    } else if (word.raw.startsWith('--') && !(last?.name === '--comment' && last.values.length === 0)) {
      options.push({ name: word.raw, negated, values: [] })
      negated = false
    } else if (last === undefined) {
      options.push({ name: '', negated, values: [word] })
      negated = false
    } else {
      last.negated ||= negated
      negated = false
      last.values.push(word)
    }
  }
  return options
}

function wordsOf(option: Option): readonly Word[] {
  const name = option.name === '' ? [] : [{ raw: option.name, text: option.name }]
  return [...(option.negated ? [{ raw: '!', text: '!' }] : []), ...name, ...option.values]
}

function other(module: string, words: readonly Word[]): Match {
  return { kind: 'other', module, arguments: words.map((word) => word.raw) }
}

function not(option: Option): { readonly negated?: true } {
  return option.negated ? { negated: true } : {}
}
