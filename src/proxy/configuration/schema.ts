/**
 * KubeProxyConfiguration, kubeproxy.config.k8s.io/v1alpha1: every field with its type and kube-proxy's default (section
 * 10.1; kubernetes staging/src/k8s.io/kube-proxy/config/v1alpha1/types.go). The single list: decoding, printing and flags
 * go by it. Durations are seconds in here and Go's notation outside.
 *
 * One default differs: minSyncPeriod is 0 where kube-proxy has 1s. A change sends its own lines and no others, so there is
 * nothing to hold back; a file that says 1s gets it.
 */
export const API_VERSION = 'kubeproxy.config.k8s.io/v1alpha1'
export const KIND = 'KubeProxyConfiguration'

export const DEFAULT_CONFIGURATION = {
  clientConnection: {
    kubeconfig: '',
    acceptContentTypes: '',
    contentType: '',
    qps: 5,
    burst: 10,
  },
  hostnameOverride: '',
  bindAddress: '0.0.0.0',
  healthzBindAddress: '0.0.0.0:10256',
  metricsBindAddress: '127.0.0.1:10249',
  bindAddressHardFail: false,
  enableProfiling: false,
  showHiddenMetricsForVersion: '',
  mode: '',
  iptables: {
    masqueradeBit: 14,
    masqueradeAll: false,
    localhostNodePorts: true,
    syncPeriod: 30,
    minSyncPeriod: 0,
  },
  ipvs: {
    syncPeriod: 30,
    minSyncPeriod: 0,
    scheduler: '',
    excludeCIDRs: [] as readonly string[],
    strictARP: false,
    tcpTimeout: 0,
    tcpFinTimeout: 0,
    udpTimeout: 0,
  },
  nftables: {
    masqueradeBit: 14,
    masqueradeAll: false,
    syncPeriod: 30,
    minSyncPeriod: 0,
  },
  detectLocalMode: '',
  detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
  clusterCIDR: '',
  nodePortAddresses: [] as readonly string[],
  oomScoreAdj: -999,
  conntrack: {
    maxPerCore: 32768,
    min: 131072,
    tcpEstablishedTimeout: 86_400,
    tcpCloseWaitTimeout: 3600,
    tcpBeLiberal: false,
    udpTimeout: 0,
    udpStreamTimeout: 0,
  },
  configSyncPeriod: 900,
  portRange: '',
  windowsRunAsService: false,
}

type DeepReadonly<T> = {
  readonly [K in keyof T]: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? DeepReadonly<T[K]> : T[K]
}

export type KubeProxyConfiguration = DeepReadonly<typeof DEFAULT_CONFIGURATION>

/** Sections that are read by other components or other systems: accepted as they are. */
export const OPAQUE = ['featureGates', 'logging', 'winkernel'] as const

/** Numbers that are durations outside. */
const DURATIONS = new Set([
  'iptables.syncPeriod',
  'iptables.minSyncPeriod',
  'ipvs.syncPeriod',
  'ipvs.minSyncPeriod',
  'ipvs.tcpTimeout',
  'ipvs.tcpFinTimeout',
  'ipvs.udpTimeout',
  'nftables.syncPeriod',
  'nftables.minSyncPeriod',
  'conntrack.tcpEstablishedTimeout',
  'conntrack.tcpCloseWaitTimeout',
  'conntrack.udpTimeout',
  'conntrack.udpStreamTimeout',
  'configSyncPeriod',
])

export type FieldType = 'string' | 'boolean' | 'number' | 'duration' | 'strings' | 'section'

/** Undefined: there is no such field. */
export function typeOfField(path: string): FieldType | undefined {
  const value = path
    .split('.')
    .reduce<unknown>(
      (at, name) => (isSection(at) && Object.hasOwn(at, name) ? at[name] : undefined),
      DEFAULT_CONFIGURATION,
    )
  if (value === undefined) return undefined
  if (Array.isArray(value)) return 'strings'
  if (typeof value === 'object') return 'section'
  if (typeof value === 'number') return DURATIONS.has(path) ? 'duration' : 'number'
  return typeof value === 'boolean' ? 'boolean' : 'string'
}

export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
