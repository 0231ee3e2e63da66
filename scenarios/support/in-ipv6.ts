/** The behaviour suite's IPv4 worlds and questions as IPv6 ones: the same rules hold for both families. */
import type { Questions, World } from '../../src/proxy/testing/ask.ts'

const RANGES: Readonly<Record<string, string>> = {
  '0.0.0.0/0': '::/0',
  '10.0.0.0/8': 'fd00:10::/32',
  '10.244.0.0/16': 'fd00:10:244::/56',
  '10.96.0.0/16': 'fd00:10:96::/112',
  '172.18.0.0/24': 'fd00:172:18::/64',
  '203.0.113.0/24': 'fd00:203::/64',
  '192.0.2.0/24': 'fd00:192::/64',
}

const NETWORKS: readonly (readonly [RegExp, string])[] = [
  [/^10\.244\.(\d+)\.(\d+)$/, 'fd00:10:244:$1::$2'],
  [/^10\.96\.0\.(\d+)$/, 'fd00:10:96::$1'],
  [/^172\.18\.0\.(\d+)$/, 'fd00:172:18::$1'],
  [/^203\.0\.113\.(\d+)$/, 'fd00:203::$1'],
  [/^198\.51\.100\.(\d+)$/, 'fd00:198::$1'],
  [/^192\.0\.2\.(\d+)$/, 'fd00:192::$1'],
]

/** Left out: worlds that are about IPv6 already, loopback, and a second address of the node. */
export function inIPv6(questions: Questions): Questions {
  return {
    evaluate: (world, from, to) => questions.evaluate(worldInSix(world), translated(from), translated(to)),
    rule: (title, run) => questions.rule(`${title} (IPv6)`, run),
    table: (title, world, asked) => {
      const text = JSON.stringify([world, asked])
      if (world.family !== undefined || /IPv6|127\.0\.0\.|192\.168\./.test(text)) return
      if (title.includes('CC-60') || world.config?.localhostNodePorts === false) return
      const questionsInSix = asked.map(
        ([from, to, answer]) => [translated(from), translated(to), translated(answer)] as const,
      )
      questions.table(`${title} (IPv6)`, worldInSix(world), questionsInSix)
    },
  }
}

function worldInSix(world: World): World {
  return { ...(JSON.parse(translate(JSON.stringify(world)).replaceAll('"IPv4"', '"IPv6"')) as World), family: 'IPv6' }
}

function translated<T>(value: T): T {
  return JSON.parse(translate(JSON.stringify(value))) as T
}

/** Ranges, addresses with a port, which get brackets, and plain addresses. A range that is IPv6 becomes an IPv4 one. */
function translate(text: string): string {
  return text.replace(
    /fd00::\/8|(\d+\.\d+\.\d+\.\d+)(\/\d+|:\d+)?/g,
    (whole, address: string | undefined, rest = '') => {
      if (address === undefined) return '10.0.0.0/8'
      const range = RANGES[whole]
      if (range !== undefined) return range
      const found = NETWORKS.find(([network]) => network.test(address))
      if (found === undefined) throw new Error(`no IPv6 address for ${whole}`)
      const six = address.replace(...found)
      return String(rest).startsWith(':') ? `[${six}]${String(rest)}` : six
    },
  )
}
