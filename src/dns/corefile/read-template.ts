/**
 * `template CLASS TYPE [ZONES…] { match, answer, authority, additional, rcode, fallthrough }`. Of Go's template language
 * the parts are known that name the question and the groups of the pattern.
 */
import type { TemplateRecord, TemplateRule, TemplateValues } from '../chain/index.ts'
import type { Name } from '../wire/index.ts'
import { CLASS, RCODE, recordFromText, typeFromName } from '../wire/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { refuseOption, zonesOf } from './values.ts'

export function readTemplate(directive: Directive, blockZones: readonly Name[]): TemplateRule {
  const [className = '', typeText = '', ...zoneTexts] = directive.args
  if (className.toUpperCase() !== 'IN') refuse(directive, `template knows class IN only, not ${className || 'none'}`)
  const type = typeText.toUpperCase() === 'ANY' ? undefined : typeFromName(typeText)
  if (type === undefined && typeText.toUpperCase() !== 'ANY')
    refuse(directive, `${typeText || 'nothing'} is not a type`)
  const zones = zoneTexts.length > 0 ? zoneTexts.flatMap((text) => zonesOf(text, directive)) : blockZones
  const rule = {
    match: [] as RegExp[],
    answers: [] as TemplateRecord[],
    authority: [] as TemplateRecord[],
    additional: [] as TemplateRecord[],
    rcode: RCODE.NOERROR as number,
    fallthrough: false,
  }
  for (const option of directive.block ?? []) {
    switch (option.name) {
      case 'match':
        rule.match.push(...option.args.map((pattern) => patternOf(pattern, option)))
        break
      case 'answer':
        rule.answers.push(recordOf(option))
        break
      case 'authority':
        rule.authority.push(recordOf(option))
        break
      case 'additional':
        rule.additional.push(recordOf(option))
        break
      case 'rcode':
        rule.rcode = rcodeOf(option)
        break
      case 'fallthrough':
        if (option.args.length > 0) refuse(option, 'fallthrough of template takes no zones here')
        rule.fallthrough = true
        break
      default:
        refuseOption(option, 'template')
    }
  }
  return { class: CLASS.IN, type, zones, ...rule }
}

/** Go writes named groups `(?P<name>…)`. */
function patternOf(text: string, option: Directive): RegExp {
  try {
    return new RegExp(text.replaceAll('(?P<', '(?<'))
  } catch {
    return refuse(option, `${text} is not a regular expression`)
  }
}

function rcodeOf(option: Directive): number {
  const name = option.args[0]?.toUpperCase() ?? ''
  return Object.hasOwn(RCODE, name) && name !== 'BADVERS'
    ? RCODE[name as keyof typeof RCODE]
    : refuse(option, `${name || 'nothing'} is not an rcode`)
}

type Piece = string | ((values: TemplateValues) => string)

function recordOf(option: Directive): TemplateRecord {
  const [text = '', ...rest] = option.args
  if (rest.length > 0) refuse(option, `${option.name} takes one text: put it in quotation marks`)
  const pieces = piecesOf(text, option)
  return (values) => recordFromText(pieces.map((piece) => (typeof piece === 'string' ? piece : piece(values))).join(''))
}

function piecesOf(text: string, option: Directive): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const match of text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/g)) {
    pieces.push(text.slice(at, match.index), expressionOf(match[1] ?? '', option))
    at = match.index + match[0].length
  }
  return [...pieces, text.slice(at)]
}

function expressionOf(expression: string, option: Directive): Piece {
  if (expression === '.Name' || expression === '.Question.Name') return ({ name }) => name
  if (expression === '.Class') return 'IN'
  const group = /^\.Group\.(\w+)$/.exec(expression)?.[1] ?? /^index \.(?:Match|Group) "?(\w+)"?$/.exec(expression)?.[1]
  return group === undefined
    ? refuse(option, `{{ ${expression} }} is not supported: .Name, .Class, .Group.NAME and index .Match N are`)
    : ({ groups }) => groups[group] ?? ''
}
