/** kube-proxy's flags that set fields of the configuration (OP-6), and which. */
import type { FieldType } from './schema.ts'
import { typeOfField } from './schema.ts'

/** By name, without the dashes. */
export const CONFIGURATION_FLAGS: Readonly<Record<string, readonly string[]>> = {
  kubeconfig: ['clientConnection.kubeconfig'],
  'kube-api-content-type': ['clientConnection.contentType'],
  'kube-api-qps': ['clientConnection.qps'],
  'kube-api-burst': ['clientConnection.burst'],
  'hostname-override': ['hostnameOverride'],
  'bind-address': ['bindAddress'],
  'healthz-bind-address': ['healthzBindAddress'],
  'metrics-bind-address': ['metricsBindAddress'],
  'bind-address-hard-fail': ['bindAddressHardFail'],
  profiling: ['enableProfiling'],
  'show-hidden-metrics-for-version': ['showHiddenMetricsForVersion'],
  'proxy-mode': ['mode'],
  'iptables-masquerade-bit': ['iptables.masqueradeBit', 'nftables.masqueradeBit'],
  'iptables-localhost-nodeports': ['iptables.localhostNodePorts'],
  'iptables-sync-period': ['iptables.syncPeriod', 'nftables.syncPeriod'],
  'iptables-min-sync-period': ['iptables.minSyncPeriod', 'nftables.minSyncPeriod'],
  'masquerade-all': ['iptables.masqueradeAll', 'nftables.masqueradeAll'],
  'ipvs-sync-period': ['ipvs.syncPeriod'],
  'ipvs-min-sync-period': ['ipvs.minSyncPeriod'],
  'ipvs-scheduler': ['ipvs.scheduler'],
  'ipvs-exclude-cidrs': ['ipvs.excludeCIDRs'],
  'ipvs-strict-arp': ['ipvs.strictARP'],
  'ipvs-tcp-timeout': ['ipvs.tcpTimeout'],
  'ipvs-tcpfin-timeout': ['ipvs.tcpFinTimeout'],
  'ipvs-udp-timeout': ['ipvs.udpTimeout'],
  'detect-local-mode': ['detectLocalMode'],
  'pod-bridge-interface': ['detectLocal.bridgeInterface'],
  'pod-interface-name-prefix': ['detectLocal.interfaceNamePrefix'],
  'cluster-cidr': ['clusterCIDR'],
  'nodeport-addresses': ['nodePortAddresses'],
  'oom-score-adj': ['oomScoreAdj'],
  'conntrack-max-per-core': ['conntrack.maxPerCore'],
  'conntrack-min': ['conntrack.min'],
  'conntrack-tcp-timeout-established': ['conntrack.tcpEstablishedTimeout'],
  'conntrack-tcp-timeout-close-wait': ['conntrack.tcpCloseWaitTimeout'],
  'conntrack-tcp-be-liberal': ['conntrack.tcpBeLiberal'],
  'conntrack-udp-timeout': ['conntrack.udpTimeout'],
  'conntrack-udp-timeout-stream': ['conntrack.udpStreamTimeout'],
  'config-sync-period': ['configSyncPeriod'],
}

/** All fields of one flag are of one type. */
export function typeOfFlag(name: string): FieldType {
  return typeOfField(CONFIGURATION_FLAGS[name]?.[0] ?? '') ?? 'string'
}
