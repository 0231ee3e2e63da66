/**
 * Rules for names, labels, keys and ports, each giving the texts of apimachinery util/validation (empty: fine). The texts
 * are contract: clients and people compare them.
 */
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const WILDCARD = `\\*\\.${SUBDOMAIN}`
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE = `(${QUALIFIED})?`
const CONFIG_KEY = '[-._a-zA-Z0-9]+'

const QUALIFIED_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

export function dnsLabel(text: string): readonly string[] {
  return [
    ...atMost(text, 63),
    ...matching(text, LABEL, [
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      'my-name',
      '123-abc',
    ]),
  ]
}

export function dnsSubdomain(text: string): readonly string[] {
  return [
    ...atMost(text, 253),
    ...matching(text, SUBDOMAIN, [
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      'example.com',
    ]),
  ]
}

/** Host names of Ingresses: `*.` and a DNS subdomain. */
export function wildcardSubdomain(text: string): readonly string[] {
  return [
    ...atMost(text, 253),
    ...matching(text, WILDCARD, [
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      '*.example.com',
    ]),
  ]
}

/** Names that are only ever a segment of a URL path: those of roles, and of objects of unknown kind. */
export function pathSegment(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`]
  return ['/', '%'].filter((part) => text.includes(part)).map((part) => `may not contain '${part}'`)
}

/** A name with an optional DNS subdomain prefix: label keys, finalizers, appProtocol. */
export function qualifiedName(text: string): readonly string[] {
  const parts = text.split('/')
  if (parts.length > 2) {
    const shape = regexText(QUALIFIED, [QUALIFIED_TEXT, 'MyName', 'my.name', '123-abc'])
    return [`a qualified name ${shape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined
  const prefixProblems = prefix === undefined ? [] : prefix === '' ? ['must be non-empty'] : dnsSubdomain(prefix)
  const nameProblems = [
    ...(name === '' ? ['must be non-empty'] : atMost(name, 63)),
    ...matching(name, QUALIFIED, [QUALIFIED_TEXT, 'MyName', 'my.name', '123-abc']),
  ]
  return [
    ...prefixProblems.map((problem) => `prefix part ${problem}`),
    ...nameProblems.map((problem) => `name part ${problem}`),
  ]
}

export function labelValue(text: string): readonly string[] {
  return [
    ...atMost(text, 63),
    ...matching(text, LABEL_VALUE, [
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      'MyValue',
      'my_value',
      '12345',
    ]),
  ]
}

/** Keys of ConfigMap and Secret. */
export function configKey(text: string): readonly string[] {
  return [
    ...atMost(text, 253),
    ...matching(text, CONFIG_KEY, [
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      'key.name',
      'KEY_NAME',
      'key-name',
    ]),
    ...(text === '.' ? ["must not be '.'"] : []),
    ...(text === '..' ? ["must not be '..'"] : text.startsWith('..') ? ["must not start with '..'"] : []),
  ]
}

export function environmentName(text: string): readonly string[] {
  if (text === '') return ["environment variable name must consist only of printable ASCII characters other than '='"]
  return /^[ -<>-~]+$/.test(text)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

export function portNumber(port: number): readonly string[] {
  return port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive']
}

/** IANA service name (RFC 6335), as named target ports are. */
export function portName(text: string): readonly string[] {
  return [
    ...atMost(text, 15),
    ...(/^[-a-z0-9]+$/.test(text) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
    ...(/[a-z]/.test(text) ? [] : ['must contain at least one letter (a-z)']),
    ...(text.includes('--') ? ['must not contain consecutive hyphens'] : []),
    ...(text.startsWith('-') || text.endsWith('-') ? ['must not begin or end with a hyphen'] : []),
  ]
}

function atMost(text: string, length: number): readonly string[] {
  return Buffer.byteLength(text) > length ? [`must be no more than ${length} characters`] : []
}

const COMPILED = new Map(
  [LABEL, SUBDOMAIN, WILDCARD, QUALIFIED, LABEL_VALUE, CONFIG_KEY].map((pattern) => [
    pattern,
    new RegExp(`^(?:${pattern})$`),
  ]),
)

/** `[text, ...examples]` keeps to three parameters and to the order in which they are printed. */
function matching(text: string, pattern: string, words: readonly [string, ...string[]]): readonly string[] {
  return COMPILED.get(pattern)?.test(text) === true ? [] : [regexText(pattern, words)]
}

function regexText(pattern: string, [text, ...examples]: readonly [string, ...string[]]): string {
  const list = examples.map((example) => `'${example}', `).join(' or ')
  return `${text} (${list === '' ? '' : `e.g. ${list}`}regex used for validation is '${pattern}')`
}
