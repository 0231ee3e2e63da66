/**
 * Names rewritten before the rest of the chain sees them, and written back in what it answers, so that the client gets
 * records of the name it asked for (CoreDNS plugin/rewrite with `answer auto`).
 */
import type { MessageResolution, Resolution, Step } from '../resolve.ts'
import type { Name, Query, ResourceRecord } from '../wire/index.ts'
import { lowerName, nameFromText, nameToText, parseMessage, RCODE } from '../wire/index.ts'
import { failure } from '../resolve.ts'
import type { RewriteRule } from './block-config.ts'

export function createRewriteStep(rules: readonly RewriteRule[], rest: Step): Step {
  const compiled = rules.map(compile)
  return (query, client) => {
    const asked = query.question.name
    const name = rewritten(asked, compiled)
    if (name === asked) return rest(query, client)
    const inner: Query = { ...query, question: { ...query.question, name } }
    const result = rest(inner, client)
    if (result instanceof Promise) return result.then((later) => back(later, name, asked))
    return result === undefined ? undefined : back(result, name, asked)
  }
}

type Compiled = { readonly apply: (text: string) => string | undefined; readonly goOn: boolean }

function compile(rule: RewriteRule): Compiled {
  const { kind, from, to, goOn } = rule
  const pattern = kind === 'regex' ? new RegExp(from) : undefined
  const apply = (text: string): string | undefined => {
    switch (kind) {
      case 'exact':
        return text === from ? to : undefined
      case 'prefix':
        return text.startsWith(from) ? to + text.slice(from.length) : undefined
      case 'suffix':
        return text.endsWith(from) ? text.slice(0, text.length - from.length) + to : undefined
      case 'substring':
        return text.includes(from) ? text.replaceAll(from, () => to) : undefined
      case 'regex': {
        const match = pattern?.exec(text)
        return match === null || match === undefined
          ? undefined
          : to.replace(/\{(\d+)\}/g, (_, group: string) => match[Number(group)] ?? '')
      }
    }
  }
  return { apply, goOn }
}

function rewritten(asked: Name, rules: readonly Compiled[]): Name {
  let name = asked
  for (const { apply, goOn } of rules) {
    const text = apply(nameToText(lowerName(name)))
    const next = text === undefined ? undefined : nameFromText(text)
    if (next === undefined) continue
    name = next
    if (!goOn) break
  }
  return name
}

function back(resolution: Resolution, from: Name, to: Name): Resolution {
  if (resolution.kind === 'transfer') return resolution
  const whole = resolution.kind === 'relay' ? takenApart(resolution.packet) : resolution
  const lower = lowerName(from)
  const renamed = (records: readonly ResourceRecord[]): ResourceRecord[] =>
    records.map((record) => (lowerName(record.name) === lower ? { ...record, name: to } : record))
  return { ...whole, answers: renamed(whole.answers), additional: renamed(whole.additional) }
}

function takenApart(packet: Buffer): MessageResolution {
  const parsed = parseMessage(packet)
  if (!parsed.ok) return failure(RCODE.SERVFAIL, false)
  const { rcode, truncated, recursionAvailable, answers, authority, additional } = parsed.message
  return {
    kind: 'message',
    rcode: rcode & 15,
    authoritative: false,
    truncated,
    recursionAvailable,
    answers,
    authority,
    additional,
  }
}
