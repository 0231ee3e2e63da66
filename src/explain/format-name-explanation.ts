/** The explanation of a name for a terminal: the resolver's steps in order, each with its answer and the reason. */
import type { NameExplanation, NameQuery, NameStep } from './explain-name.ts'

export function formatNameExplanation(explanation: NameExplanation): string {
  const { name, from, resolver, steps } = explanation
  const { searches, ndots, nameservers } = resolver
  return [
    `The name ${name}${from === undefined ? '' : `, asked by ${from}`}`,
    `  resolver   ${nameservers.join(', ') || 'cluster DNS'}; search ${searches.join(' ') || 'nothing'}; ndots ${ndots}`,
    `  order      ${orderText(explanation)}`,
    ...steps.flatMap((step, i) => stepLines(step, i + 1)),
    `  ${verdictText(explanation)}`,
  ].join('\n')
}

function orderText({ name, resolver }: NameExplanation): string {
  if (name.endsWith('.')) return 'it ends with a dot: it is asked for as it is and nothing else'
  if (resolver.searches.length === 0) return 'there is no search list: it is asked for as it is'
  const dots = name.split('.').length - 1
  const count = `${dots} ${dots === 1 ? 'dot' : 'dots'}`
  return dots >= resolver.ndots
    ? `${count}, not fewer than ndots: as it is first, then the search list`
    : `${count}, fewer than ndots: the search list first, then as it is`
}

function stepLines(step: NameStep, number: number): string[] {
  const how = step.search === undefined ? 'as it is' : `search ${step.search}`
  const [a, aaaa] = step.queries
  const same =
    a !== undefined && aaaa !== undefined && a.text === aaaa.text && a.answers.length === 0 && aaaa.answers.length === 0
  const shown =
    same && a !== undefined
      ? [queryLine({ ...a }, 'A, AAAA')]
      : step.queries.map((query) => queryLine(query, query.type))
  return [`  ${number}. ${step.name}  (${how})`, ...shown.flat()]
}

function queryLine(query: NameQuery, types: string): string[] {
  const outcome = {
    answered: query.rcode,
    'no-data': 'NOERROR, no data',
    'no-such-name': query.rcode,
    servfail: query.rcode,
    elsewhere: 'goes upstream',
  }[query.outcome]
  return [
    `     ${types.padEnd(8)} ${outcome}: ${query.text}`,
    ...query.answers.map((answer) => `              ${answer}`),
  ]
}

function verdictText({ verdict, addresses, misses, steps }: NameExplanation): string {
  const cost =
    misses === 0 ? '' : `, after ${misses} ${misses === 1 ? 'name' : 'names'} in vain (${2 * misses} queries)`
  switch (verdict) {
    case 'resolves':
      return `=> ${addresses.join(', ')}${cost}`
    case 'does-not-resolve':
      return `=> does not resolve: ${steps.length} ${steps.length === 1 ? 'name was' : 'names were'} tried`
    case 'unknown':
      return `=> is for the upstream resolvers to say${cost}`
  }
}
