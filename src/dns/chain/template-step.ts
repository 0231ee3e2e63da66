/** Answers made from the question by a pattern (CoreDNS plugin/template); the first rule that matches has it. */
import type { Step } from '../resolve.ts'
import { answered } from '../resolve.ts'
import type { Name, ResourceRecord } from '../wire/index.ts'
import { lowerName, nameToText, zoneOffset } from '../wire/index.ts'
import type { TemplateRecord, TemplateRule, TemplateValues } from './block-config.ts'

export function createTemplateStep(rules: readonly TemplateRule[]): Step {
  return (query) => {
    const { question } = query
    const lower = lowerName(question.name)
    const text = nameToText(lower)
    for (const rule of rules) {
      if (rule.class !== question.class || (rule.type !== undefined && rule.type !== question.type)) continue
      if (!rule.zones.some((zone) => zoneOffset(lower, zone) >= 0)) continue
      const match = matchOf(rule, text)
      if (match === undefined) {
        if (rule.fallthrough) continue
        return undefined
      }
      const values: TemplateValues = { name: nameToText(question.name), groups: match }
      const make = (records: readonly TemplateRecord[]): ResourceRecord[] =>
        records.flatMap((record) => withOwner(record(values), question.name) ?? [])
      return answered(make(rule.answers), {
        rcode: rule.rcode,
        authority: make(rule.authority),
        additional: make(rule.additional),
        stable: true,
      })
    }
    return undefined
  }
}

function matchOf(rule: TemplateRule, text: string): Readonly<Record<string, string>> | undefined {
  if (rule.match.length === 0) return {}
  for (const pattern of rule.match) {
    const match = pattern.exec(text)
    if (match === null) continue
    const numbered = Object.fromEntries(match.map((group, i) => [String(i), group ?? '']))
    return { ...numbered, ...match.groups }
  }
  return undefined
}

/** The owner in the spelling of the question, where they are the same name. */
function withOwner(record: ResourceRecord | undefined, asked: Name): ResourceRecord | undefined {
  if (record === undefined) return undefined
  return lowerName(record.name) === lowerName(asked) ? { ...record, name: asked } : record
}
