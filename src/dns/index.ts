export type { BlockConfig } from './chain/index.ts'
export type { CorefileConfig, CorefileOptions } from './corefile/index.ts'
export { readCorefile } from './corefile/index.ts'
export type { DnsConfig } from './dns-config.ts'
export { DEFAULT_DNS_CONFIG, parseUpstreams } from './dns-config.ts'
export type { DnsInformers } from './feed-zone.ts'
export type { CacheConfig, ForwardPolicy, Upstream } from './forward/index.ts'
export { DEFAULT_CACHE_CONFIG, nameserversOf, POLICIES, upstreamText } from './forward/index.ts'
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
export { nodeCacheBlocks } from './node-cache-blocks.ts'
