export type { DnsConfig } from './dns-config.ts'
export { DEFAULT_DNS_CONFIG } from './dns-config.ts'
export type { DnsInformers } from './feed-zone.ts'
export { nameserversOf, parseUpstream, upstreamText } from './forward/index.ts'
export type { Upstream } from './forward/index.ts'
export type {
  AnswerReason,
  ClusterResource,
  PassReason,
  PodsMode,
  Zone,
  ZoneAnswer,
  ZoneOptions,
  ZoneResult,
} from './records/index.ts'
export { createZone } from './records/index.ts'
export type { RunDnsOptions, RunningDns } from './run-dns.ts'
export { runDns } from './run-dns.ts'
export type { BoundAddress } from './server/index.ts'
export type { Message, Name, Question, RecordData, ResourceRecord } from './wire/index.ts'
export { formatRecord, nameFromText, nameToText, rcodeName, TYPE, typeFromName, typeName } from './wire/index.ts'
