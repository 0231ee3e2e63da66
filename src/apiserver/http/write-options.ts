/** What a request says about every write it may cause. */
import type { WriteOptions } from '../registry/index.ts'
import type { Exchange } from './exchange.ts'

export function writeOptions(exchange: Exchange, dryRun: boolean): WriteOptions & { readonly manager: string } {
  const { user, query, request, warnings } = exchange
  const manager = query.get('fieldManager') || agentName(request.headers['user-agent'])
  return { user, dryRun, manager, warn: (text) => warnings.add(text) }
}

/** Who does not name itself is known by its program, as upstream does it (`kubectl/v1.32.5 …`). */
function agentName(header: string | undefined): string {
  const name =
    (header ?? '')
      .split('/', 1)[0]
      ?.replaceAll(/[^\x20-\x7e]/g, '')
      .slice(0, 128) ?? ''
  return name === '' ? 'unknown' : name
}
