/**
 * What an iptables tool's exit status and stderr mean. The tools do not localise and have said it this way for years
 * (tried with 1.8.9, both variants share the texts); a restore names the line it stopped at.
 */
import { SignalboxError } from '#lib'

export type IptablesFailure = {
  readonly tool: string
  readonly input: string | undefined
  readonly status: number
  readonly stderr: string
}

/**
 * - SBX_IPTABLES_LOCKED: another program held the lock or raced us for longer than we wait; try again.
 * - SBX_IPTABLES_TOO_LARGE: the section does not fit into one netlink message; send it in pieces.
 * - SBX_IPTABLES_NOT_FOUND: a chain or rule the transaction relies on is not there; the kernel is not what we think it is.
 * - SBX_IPTABLES_REJECTED: anything else.
 */
export function classifyIptablesFailure({ tool, input, status, stderr }: IptablesFailure): SignalboxError {
  const said = firstWords(stderr)
  const line = Number(/line:? (\d+)/.exec(stderr)?.[1] ?? 0)
  const text = line > 0 ? input?.split('\n')[line - 1]?.slice(0, 300) : undefined
  return new SignalboxError(codeOf(stderr), `${tool}: ${said}`, {
    facts: { status, ...(line > 0 ? { line } : {}), ...(text === undefined ? {} : { text }) },
  })
}

type IptablesCode =
  'SBX_IPTABLES_LOCKED' | 'SBX_IPTABLES_TOO_LARGE' | 'SBX_IPTABLES_NOT_FOUND' | 'SBX_IPTABLES_REJECTED'

function codeOf(stderr: string): IptablesCode {
  if (/sendmsg\(\) failed: Message too long/.test(stderr)) return 'SBX_IPTABLES_TOO_LARGE'
  if (/xtables lock|Resource temporarily unavailable/.test(stderr)) return 'SBX_IPTABLES_LOCKED'
  if (/Couldn't load (?:match|target)/.test(stderr)) return 'SBX_IPTABLES_REJECTED'
  const missing =
    /No chain\/target\/match by that name|does a matching rule exist|Chain '[^']*' does not exist|No such file or directory/
  return missing.test(stderr) ? 'SBX_IPTABLES_NOT_FOUND' : 'SBX_IPTABLES_REJECTED'
}

/** The first line that says something, without the tool's own name in front. */
function firstWords(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^ip6?tables[\w-]*(?: v[\d.]+ \(\w+\))?: ?/, '').trim())
  return lines.find((line) => line !== '')?.slice(0, 200) ?? 'no message'
}
