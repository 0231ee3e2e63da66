/** `rewrite [continue|stop] name [exact|prefix|suffix|substring|regex] FROM TO [answer auto]` */
import type { RewriteRule } from '../chain/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { noBlock } from './values.ts'

const KINDS = ['exact', 'prefix', 'suffix', 'substring', 'regex'] as const
type Kind = (typeof KINDS)[number]

export function readRewrite(directive: Directive): RewriteRule {
  noBlock(directive)
  const args = [...directive.args]
  const goOn = args[0] === 'continue'
  if (args[0] === 'continue' || args[0] === 'stop') args.shift()
  const field = args[0] === 'name' ? args.shift() : args[0]
  const implied = (KINDS as readonly (string | undefined)[]).includes(field)
  if (field !== 'name' && !implied) refuse(directive, `rewrite can change names only, not ${field ?? 'nothing'}`)
  const kind = (KINDS as readonly (string | undefined)[]).includes(args[0]) ? (args.shift() as Kind) : 'exact'
  const [from, to, ...answer] = args
  if (from === undefined || to === undefined) refuse(directive, 'rewrite name takes what to replace and by what')
  // `auto` is what happens anyway.
  if (answer.length > 0 && answer.join(' ') !== 'answer auto') {
    refuse(directive, `of answer rules only auto is supported, not ${answer.join(' ')}`)
  }
  if (kind !== 'regex') return { kind, from: text(kind, from), to: text(kind, to), goOn }
  try {
    new RegExp(from)
  } catch {
    refuse(directive, `${from} is not a regular expression`)
  }
  return { kind, from, to, goOn }
}

/** Whole names and ends of names have the final dot, written or not. */
function text(kind: Kind, given: string): string {
  const lower = given.toLowerCase()
  const ends = kind === 'exact' || kind === 'suffix'
  return ends && !lower.endsWith('.') ? `${lower}.` : lower
}
