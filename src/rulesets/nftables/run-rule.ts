/**
 * One rule, statement by statement: a condition that does not hold ends it, whatever was done before stays done. Chance
 * splits the way in two or more, so a rule has a list of ends.
 */
import { fraction, multiplyFractions, type Fraction } from '#lib'
import { withMark, type Effect } from '#rulesets/shared'

import type { NftRule, NftSetReference, NftStatement, NftVerdict } from './ast.ts'
import { typeOf } from './fields.ts'
import type { Flow, Scene } from './flow.ts'
import { learnedKey, lookUp, type Found } from './lookup.ts'
import { demandsTcp } from './normalize.ts'
import type { NftStep } from './outcome.ts'
import { readField } from './read-field.ts'
import { masquerade, redirect, translateTo, type Translated } from './translate.ts'
import { parseInterval, printValue } from './values.ts'

export type Act = { readonly effect: Effect; readonly element?: NftStep['element'] }

export type RuleEnd =
  | {
      readonly end: 'went'
      readonly flow: Flow
      readonly chance: Fraction
      readonly acts: readonly Act[]
      /** What the walk does next; `settled`: the flow's translation at this hook has been made. */
      readonly go: 'next' | 'enter' | 'replace' | 'return' | 'accept' | 'settled' | 'drop' | 'reject'
      /** Whether all conditions held. */
      readonly matched: boolean
    }
  | { readonly end: 'refused'; readonly reason: string; readonly chance: Fraction }

type Went = Extract<RuleEnd, { readonly end: 'went' }>

export function runRule(rule: NftRule, scene: Scene): readonly RuleEnd[] {
  if (demandsTcp(rule) && scene.flow.packet.protocol !== 'TCP') {
    return [{ end: 'went', flow: scene.flow, chance: fraction(1n), acts: [], go: 'next', matched: false }]
  }
  const ends: RuleEnd[] = []
  let open: Went[] = [{ end: 'went', flow: scene.flow, chance: fraction(1n), acts: [], go: 'next', matched: true }]
  for (const statement of rule.statements) {
    const after: Went[] = []
    for (const way of open) {
      for (const end of runStatement(statement, way, { ...scene, flow: way.flow })) {
        if (end.end === 'went' && end.matched && end.go === 'next') after.push(end)
        else ends.push(end)
      }
    }
    open = after
  }
  // What a rule takes comes before what it leaves.
  const left = ends.filter((end) => end.end === 'went' && !end.matched)
  return [...ends.filter((end) => !left.includes(end)), ...open, ...left]
}

function runStatement(statement: NftStatement, way: Went, scene: Scene): readonly RuleEnd[] {
  const goOn = (flow: Flow, effect?: Effect): readonly RuleEnd[] => [
    { ...way, flow, acts: effect === undefined ? way.acts : [...way.acts, { effect }] },
  ]
  const decide = (holds: boolean | string): readonly RuleEnd[] =>
    typeof holds === 'string' ? refuse(way, holds) : [holds ? way : { ...way, matched: false }]
  switch (statement.kind) {
    case 'match':
      return typeof statement.field === 'string'
        ? decide(matches(statement, scene))
        : matchNumgen(statement, { ...statement.field }, way)
    case 'masked-match': {
      const value = readField(statement.field, scene)
      if (typeof value !== 'bigint') return decide(value ?? false)
      const equal = (Number(value) & statement.mask) >>> 0 === statement.value >>> 0
      return decide(equal !== (statement.negated === true))
    }
    case 'lookup':
    case 'vmap':
      return runLookup(statement, way, scene)
    case 'set-mark':
      return setMark(statement, { way, scene, goOn })
    case 'dnat':
    case 'snat':
      return runTranslation(statement, way, scene)
    case 'masquerade':
      return settle(way, scene, masquerade(scene, statement.flags))
    case 'redirect':
      return settle(way, scene, redirect(scene, statement.port))
    case 'reject':
      return runReject(statement.with, way, scene)
    case 'add':
    case 'update':
    case 'delete':
      return learn(statement, { way, scene, goOn })
    case 'counter':
      return goOn(way.flow)
    case 'verdict':
      return [withVerdict(way, statement)]
    case 'other':
      return statement.transparent === true ? goOn(way.flow) : refuse(way, `${statement.text} cannot be decided`)
  }
}

function refuse({ chance }: Went, reason: string): readonly RuleEnd[] {
  return [{ end: 'refused', reason, chance }]
}

function withVerdict(way: Went, verdict: NftVerdict, element?: Act['element']): Went {
  const go = GO[verdict.verdict]
  const effect: Effect =
    'chain' in verdict ? { kind: verdict.verdict, chain: verdict.chain } : { kind: verdict.verdict }
  const act: Act = element === undefined ? { effect } : { effect, element }
  return { ...way, go, acts: verdict.verdict === 'continue' && element === undefined ? way.acts : [...way.acts, act] }
}

const GO = {
  accept: 'accept',
  drop: 'drop',
  return: 'return',
  continue: 'next',
  jump: 'enter',
  goto: 'replace',
} as const

function matches(statement: NftStatement & { readonly kind: 'match' }, scene: Scene): boolean | string {
  const { field, negated = false } = statement
  if (typeof field !== 'string') return false
  const value = readField(field, scene)
  // What the packet does not have ends the rule, negated or not.
  if (typeof value !== 'bigint') return value ?? false
  const type = typeOf(field)
  const wanted = parseInterval(type, statement.value)
  if (wanted === undefined) return `${statement.value} is nothing ${field} can be compared with`
  if (type === 'ct_status' || type === 'ct_state') {
    if (type === 'ct_status' && negated) return 'ct status is compared as a whole, not all of which is known'
    // Negated, the kernel compares the whole; a packet has exactly one state.
    return negated ? value !== wanted.from : (value & wanted.from) !== 0n
  }
  return (value >= wanted.from && value <= wanted.to) !== negated
}

function matchNumgen(
  statement: NftStatement & { readonly kind: 'match' },
  { modulus }: { readonly modulus: number },
  way: Went,
): readonly RuleEnd[] {
  const wanted = parseInterval('integer', statement.value)
  if (wanted === undefined || modulus < 1) return refuse(way, `${statement.value} is no number`)
  const last = BigInt(modulus) - 1n
  const to = wanted.to < last ? wanted.to : last
  const hits = to < wanted.from ? 0n : to - wanted.from + 1n
  const chance = fraction(statement.negated === true ? BigInt(modulus) - hits : hits, modulus)
  return split(way, [
    { chance, end: way },
    { chance: fraction(chance.denominator - chance.numerator, chance.denominator), end: { ...way, matched: false } },
  ])
}

/** Ways of no chance are none. */
function split(way: Went, parts: readonly { readonly chance: Fraction; readonly end: RuleEnd }[]): readonly RuleEnd[] {
  return parts
    .filter(({ chance }) => chance.numerator > 0n)
    .map(({ chance, end }) => ({ ...end, chance: multiplyFractions(way.chance, chance) }))
}

function runLookup(
  statement: NftStatement & { readonly kind: 'lookup' | 'vmap' },
  way: Went,
  scene: Scene,
): readonly RuleEnd[] {
  const reference = statement.kind === 'lookup' ? statement.set : statement.map
  const asked = counted(way)
  const found = lookUp(statement.key, reference, scene)
  if (typeof found === 'string') return refuse(way, found)
  if (found === undefined) return [{ ...asked, matched: false }]
  const ends = found.map(({ chance, hit }) => {
    if (statement.kind === 'lookup') {
      const holds = (hit !== undefined) !== (statement.negated === true)
      return { chance, end: holds ? asked : { ...asked, matched: false } }
    }
    const verdict = hit?.element?.data
    if (verdict === undefined || !('verdict' in verdict)) return { chance, end: { ...asked, matched: false } }
    return { chance, end: withVerdict(asked, verdict, nameElement(reference, hit)) }
  })
  return split(way, ends)
}

function counted(way: Went): Went {
  return { ...way, flow: { ...way.flow, lookups: way.flow.lookups + 1 } }
}

function nameElement(reference: NftSetReference, hit: Found['hit']): Act['element'] {
  const comment = hit?.element?.comment
  return {
    set: 'name' in reference ? reference.name : '',
    key: hit?.key ?? '',
    ...(comment === undefined ? {} : { comment }),
  }
}

type Doing = {
  readonly way: Went
  readonly scene: Scene
  readonly goOn: (flow: Flow, effect?: Effect) => readonly RuleEnd[]
}

function setMark(
  statement: NftStatement & { readonly kind: 'set-mark' },
  { way, scene, goOn }: Doing,
): readonly RuleEnd[] {
  const { flow } = way
  const from = statement.from === undefined ? 0n : readField(statement.from, scene)
  if (typeof from !== 'bigint') return typeof from === 'string' ? refuse(way, from) : [{ ...way, matched: false }]
  const [old, operand] = [Number(from), statement.value ?? 0]
  const formulas = { and: old & operand, or: old | operand, xor: old ^ operand }
  const plain = statement.from === undefined ? operand : old
  const after = (statement.operator === undefined ? plain : formulas[statement.operator]) >>> 0
  if (statement.field === 'ct mark') return goOn({ ...flow, ctMark: after })
  return goOn(withMark(flow, after), { kind: 'mark', before: flow.packet.mark, after })
}

function learn(
  statement: NftStatement & { readonly kind: 'add' | 'update' | 'delete' },
  { way, scene, goOn }: Doing,
): readonly RuleEnd[] {
  const { flow } = way
  const values: string[] = []
  for (const part of statement.key) {
    if (typeof part !== 'string') return refuse(way, 'a random key is learned')
    const value = readField(part, scene)
    if (typeof value !== 'bigint') return typeof value === 'string' ? refuse(way, value) : [{ ...way, matched: false }]
    values.push(printValue(typeOf(part), value))
  }
  const key = learnedKey(scene.place.table.name, statement.set, values.join(' . '))
  return goOn({ ...flow, learned: new Map(flow.learned).set(key, statement.kind !== 'delete') })
}

function runReject(text: string | undefined, way: Went, { flow: { packet } }: Scene): readonly RuleEnd[] {
  if (text === 'tcp reset' && packet.protocol !== 'TCP') return [{ ...way, matched: false }]
  const reply = text ?? `${packet.family === 'IPv4' ? 'icmp' : 'icmpv6'} port-unreachable`
  return [{ ...way, go: 'reject', acts: [...way.acts, { effect: { kind: 'reject', with: reply } }] }]
}

function runTranslation(
  statement: NftStatement & { readonly kind: 'dnat' | 'snat' },
  way: Went,
  scene: Scene,
): readonly RuleEnd[] {
  const { to } = statement
  if (!('map' in to)) return settle(way, scene, translateTo(statement, to, scene))
  const asked = counted(way)
  const found = lookUp(to.key, to.map, scene)
  if (typeof found === 'string') return refuse(way, found)
  if (found === undefined) return [{ ...asked, matched: false }]
  return found.flatMap(({ chance, hit }): readonly RuleEnd[] => {
    const share = { ...asked, chance: multiplyFractions(way.chance, chance) }
    const data = hit?.element?.data
    // Nothing in the map ends the rule; the next one is looked at.
    if (data === undefined || 'verdict' in data) return [{ ...share, matched: false }]
    const [address = '', port] = data
    const target = { address, ...(port === undefined ? {} : { port: Number(port) }) }
    return settle(
      share,
      scene,
      translateTo(statement, target, { ...scene, flow: share.flow }),
      nameElement(to.map, hit),
    )
  })
}

function settle(
  way: Went,
  ...[scene, translated, element]: readonly [Scene, Translated | string, Act['element']?]
): readonly RuleEnd[] {
  if (typeof translated === 'string') return refuse(way, translated)
  if (scene.place.base.base?.type !== 'nat') return refuse(way, 'a translation in a chain that is not of type nat')
  const act: Act = element === undefined ? { effect: translated.effect } : { effect: translated.effect, element }
  return [{ ...way, flow: translated.flow, go: 'settled', acts: [...way.acts, act] }]
}
