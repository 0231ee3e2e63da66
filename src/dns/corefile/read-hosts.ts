/** `hosts [FILE] { lines and options }` */
import type { HostsConfig } from '../chain/index.ts'
import { hostsEntries } from '../chain/index.ts'
import type { Directive } from './syntax.ts'
import { refuse } from './syntax.ts'
import { address, refuseOption, whole } from './values.ts'

const HOSTS_FILE = '/etc/hosts'

export function readHosts(directive: Directive, readText: (path: string) => string | undefined): HostsConfig {
  const [file, ...zones] = directive.args
  if (zones.length > 0)
    refuse(directive, 'hosts for single zones is not supported: give them a server block of their own')
  const inline: HostsConfig['entries'][number][] = []
  let ttl = 3600
  let reverse = true
  let fallthrough = false
  for (const option of directive.block ?? []) {
    switch (option.name) {
      case 'ttl':
        ttl = whole(option.args[0], option, { from: 1, to: 65_535 })
        break
      case 'no_reverse':
        reverse = false
        break
      case 'reload':
        // Read again with the Corefile.
        break
      case 'fallthrough':
        if (option.args.length > 0) refuse(option, 'fallthrough of hosts takes no zones here')
        fallthrough = true
        break
      default:
        if (!/[.:]/.test(option.name)) refuseOption(option, 'hosts')
        if (option.args.length === 0) refuse(option, `${option.name} has no names`)
        inline.push({ address: address(option.name, option), names: option.args })
    }
  }
  const path = file ?? (inline.length > 0 ? undefined : HOSTS_FILE)
  const text = path === undefined ? '' : (readText(path) ?? refuse(directive, `${path} cannot be read`))
  return { entries: [...hostsEntries(text), ...inline], ttl, reverse, fallthrough }
}
