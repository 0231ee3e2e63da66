export type { CommandOptions, CommandResult } from './run-command.ts'
export { mustRun, runCommand } from './run-command.ts'
export type { NetnsChange } from './configure-netns.ts'
export { configureNetns } from './configure-netns.ts'
export type { IpLine, Route, VethPeer } from './links.ts'
export {
  addressAddLine,
  bridgeAddLine,
  linkDeleteLine,
  linkMasterLine,
  linkUpLine,
  netnsAddLine,
  netnsDeleteLine,
  routeDeleteLine,
  routeReplaceLine,
  vethAddLine,
} from './links.ts'
export type { Argv, NamespaceKind, NetnsPath } from './netns.ts'
export { inNamespacesOf, inNetns, netnsOfProcess, netnsPath } from './netns.ts'
export type { ProcessEntry } from './process-table.ts'
export { childProcesses, listProcesses, readProcess } from './process-table.ts'
export type { Sysctl } from './sysctl.ts'
export { readSysctl, writeSysctls } from './sysctl.ts'
export type { FakeIptables } from './fake/iptables.ts'
export { createFakeIptables } from './fake/iptables.ts'
export { classifyIptablesFailure } from './iptables-failure.ts'
export type { IptablesDoor, IptablesVersion, OpenIptablesOptions } from './iptables.ts'
export { openIptables } from './iptables.ts'
export type { NftApplied, NftBatch, NftProbe, NftablesDoor } from './nftables.ts'
export { openNftables } from './nftables.ts'
export type { Pty, TerminalSize } from './pty.ts'
export { openPty } from './pty.ts'
export type { RulesetWatch } from './ruleset-watch.ts'
export { createChainWatch, createRulesetWatch, watchedIptables, watchedNftables } from './ruleset-watch.ts'
export type { ConntrackDoor, Flow, FlowEnd } from './flow.ts'
export { openConntrack } from './conntrack.ts'
export type { FakeConntrack } from './fake/conntrack.ts'
export { createFakeConntrack } from './fake/conntrack.ts'
export type { FakeNftables } from './fake/nftables.ts'
export { createFakeNftables } from './fake/nftables.ts'
