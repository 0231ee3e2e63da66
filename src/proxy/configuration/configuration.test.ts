import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareText } from '#lib'
import { applyFlags } from './apply-flags.ts'
import { decodeConfiguration, defaultConfiguration } from './decode-configuration.ts'
import { formatDuration, parseDuration } from './duration.ts'
import { CONFIGURATION_FLAGS, typeOfFlag } from './flags.ts'
import { ignoredSettings } from './name-what-is-ignored.ts'
import { CONNTRACK_PATHS, planConntrack } from './plan-conntrack.ts'
import { printConfiguration } from './print-configuration.ts'
import { DEFAULT_CONFIGURATION } from './schema.ts'
import { completeAddresses, toProxyConfig } from './to-proxy-config.ts'
import { validateConfiguration } from './validate-configuration.ts'

const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n'

test('what kubeadm writes is read, and its empty fields are no complaint', () => {
  const { configuration, warnings } = decodeConfiguration(`${HEAD}bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: 24h0m0s
  udpStreamTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: true
  masqueradeBit: null
  minSyncPeriod: 1s
  syncPeriod: 1m0s
logging:
  flushFrequency: 0
mode: iptables
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
winkernel:
  enableDSR: false
`)
  assert.deepEqual(warnings, [])
  assert.equal(configuration.clientConnection.kubeconfig, '/var/lib/kube-proxy/kubeconfig.conf')
  assert.deepEqual(configuration.iptables, {
    masqueradeBit: 14,
    masqueradeAll: true,
    localhostNodePorts: true,
    syncPeriod: 60,
    minSyncPeriod: 1,
  })
  assert.equal(configuration.conntrack.maxPerCore, 32768)
  assert.deepEqual(
    [configuration.configSyncPeriod, configuration.healthzBindAddress, configuration.clientConnection.qps],
    [900, '0.0.0.0:10256', 5],
  )
  assert.equal(configuration.conntrack.udpStreamTimeout, 0)
  const { configuration: zero } = decodeConfiguration(
    `${HEAD}conntrack: {maxPerCore: 0}\niptables: {masqueradeBit: 0}\noomScoreAdj: 0\n`,
  )
  assert.deepEqual([zero.conntrack.maxPerCore, zero.iptables.masqueradeBit, zero.oomScoreAdj], [0, 0, 0])
  const { configuration: empty } = decodeConfiguration(HEAD)
  assert.deepEqual(empty, DEFAULT_CONFIGURATION)
})

test('OP-1 CC-170 unknown and duplicate fields are warnings; the last one counts', () => {
  const { configuration, warnings } = decodeConfiguration(
    `${HEAD}mode: nftables\nshiny: 1\niptables: {sparkle: 2}\nmode: iptables\n`,
  )
  assert.equal(configuration.mode, 'iptables')
  assert.equal(warnings.length, 3)
  assert.match(warnings.join('\n'), /given twice[^]*unknown field shiny\nunknown field iptables\.sparkle/)
})

test('OP-1 a value of a wrong type, another kind or no YAML at all is an error that names the place', () => {
  for (const [text, message] of [
    [`${HEAD}iptables: {syncPeriod: 30}`, /iptables\.syncPeriod is not a duration/],
    [`${HEAD}bindAddressHardFail: "yes"`, /bindAddressHardFail is not a boolean/],
    [`${HEAD}nodePortAddresses: primary`, /nodePortAddresses is not a list of strings/],
    [`${HEAD}iptables: [1]`, /iptables is not a mapping/],
    [`${HEAD}featureGates: {A: maybe}`, /featureGates/],
    ['kind: KubeProxyConfiguration', /apiVersion/],
    ['kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1', /kind/],
    ['[1, 2', /proxy configuration/],
    [
      'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]',
      /proxy configuration/,
    ],
  ] as const) {
    assert.throws(() => decodeConfiguration(text), { code: 'SBX_PROXY_CONFIG', message })
  }
})

test('OP-2 every problem is named at once', () => {
  assert.deepEqual(validateConfiguration(DEFAULT_CONFIGURATION), [])
  const problems = validateConfiguration({
    ...DEFAULT_CONFIGURATION,
    mode: 'ebpf',
    bindAddress: 'localhost',
    healthzBindAddress: '0.0.0.0:0',
    metricsBindAddress: '[::1]:70000',
    clusterCIDR: '10.0.0.0/8,nonsense',
    nodePortAddresses: ['primary', '10.0.0.0/8'],
    detectLocalMode: 'BridgeInterface',
    oomScoreAdj: 1001,
    configSyncPeriod: 0,
    iptables: { ...DEFAULT_CONFIGURATION.iptables, masqueradeBit: 32, minSyncPeriod: 31 },
    nftables: { ...DEFAULT_CONFIGURATION.nftables, syncPeriod: 0 },
    conntrack: { ...DEFAULT_CONFIGURATION.conntrack, min: -1 },
  })
  const fields = problems.map((problem) => problem.split(' ', 1)[0] ?? '')
  assert.deepEqual([...new Set(fields)].sort(compareText), [
    'bindAddress',
    'clusterCIDR',
    'configSyncPeriod',
    'conntrack.min',
    'detectLocal.bridgeInterface',
    'healthzBindAddress',
    'iptables.masqueradeBit',
    'iptables.minSyncPeriod',
    'metricsBindAddress',
    'mode',
    'nftables.syncPeriod',
    'nodePortAddresses',
    'oomScoreAdj',
  ])
  for (const name of ['a b', '"x"', 'a-name-of-more-than-15']) {
    const detectLocal = { bridgeInterface: name, interfaceNamePrefix: '' }
    assert.equal(validateConfiguration({ ...DEFAULT_CONFIGURATION, detectLocal }).length, 1, name)
  }
})

const VALUES = { string: 'x', boolean: 'true', number: '7', duration: '90s', strings: 'a, b', section: '' } as const

test('OP-6 every flag sets its fields, and a value of a wrong type is a usage error', () => {
  for (const [name, fields] of Object.entries(CONFIGURATION_FLAGS)) {
    const type = typeOfFlag(name)
    const { configuration, given } = applyFlags(defaultConfiguration(), { [name]: VALUES[type] }, false)
    assert.deepEqual([...given], fields)
    for (const path of fields) {
      const value = path.split('.').reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], configuration)
      assert.deepEqual(
        value,
        { string: 'x', boolean: true, number: 7, duration: 90, strings: ['a', 'b'], section: '' }[type],
        path,
      )
    }
    if (type !== 'string' && type !== 'strings') {
      assert.throws(() => applyFlags(defaultConfiguration(), { [name]: 'nonsense' }, false), { code: 'SBX_CLI_USAGE' })
    }
  }
})

test('OP-5 with a file, flags other than the name of the node are ignored, and said to be', () => {
  const decoded = decodeConfiguration(`${HEAD}mode: iptables\n`)
  const { configuration, warnings } = applyFlags(decoded, { 'proxy-mode': 'nftables', 'hostname-override': 'n1' }, true)
  assert.deepEqual([configuration.mode, configuration.hostnameOverride], ['iptables', 'n1'])
  assert.deepEqual(warnings, ['--proxy-mode is ignored, because --config is given'])
})

test('OP-9 what is written is read back equal', () => {
  const { configuration } = applyFlags(
    defaultConfiguration(),
    { 'conntrack-udp-timeout': '1h0m5s', 'nodeport-addresses': 'primary' },
    false,
  )
  const text = printConfiguration(configuration)
  assert.match(text, /udpTimeout: 1h0m5s/)
  const { configuration: again, warnings } = decodeConfiguration(text)
  assert.deepEqual(again, configuration)
  assert.deepEqual(warnings, [])
})

test('durations are Go’s', () => {
  for (const [text, seconds, printed] of [
    ['24h0m0s', 86_400, '24h0m0s'],
    ['90s', 90, '1m30s'],
    ['1.5h', 5400, '1h30m0s'],
    ['250ms', 0.25, '250ms'],
    ['1m0.5s', 60.5, '1m0.5s'],
    ['0', 0, '0s'],
    ['-5s', -5, '-5s'],
  ] as const) {
    assert.equal(parseDuration(text), seconds)
    assert.equal(formatDuration(seconds), printed)
    assert.equal(parseDuration(printed), seconds)
  }
  for (const text of ['', '5', 's', '5 s', '5d', '1h-5m', '5ss']) assert.equal(parseDuration(text), undefined, text)
})

test('OP-3 the section of the active mode counts; OP-19 TG-27 the defaults that differ', () => {
  const configuration = {
    ...DEFAULT_CONFIGURATION,
    bindAddress: '192.0.2.7',
    iptables: { ...DEFAULT_CONFIGURATION.iptables, masqueradeAll: true, syncPeriod: 40 },
    nftables: { ...DEFAULT_CONFIGURATION.nftables, masqueradeBit: 15 },
  }
  const of = (mode: 'iptables' | 'nftables') =>
    toProxyConfig({ configuration, mode, serviceCIDRs: [], beLiberal: false })
  assert.deepEqual(
    [of('iptables').masqueradeAll, of('iptables').syncPeriod, of('iptables').masqueradeBit],
    [true, 40, 14],
  )
  assert.deepEqual(
    [of('nftables').masqueradeAll, of('nftables').syncPeriod, of('nftables').masqueradeBit],
    [false, 30, 15],
  )
  assert.deepEqual(of('iptables').nodePortAddresses, [])
  assert.deepEqual(of('nftables').nodePortAddresses, ['primary'])
  assert.equal(of('nftables').localhostNodePorts, false)
  assert.equal(of('iptables').nodeAddress, '192.0.2.7')
  assert.equal(toProxyConfig({ configuration, mode: 'iptables', serviceCIDRs: [], beLiberal: true }).dropInvalid, false)
})

test('OP-22 the ways to tell pods go through', () => {
  const of = (detectLocalMode: string) =>
    toProxyConfig({
      configuration: {
        ...DEFAULT_CONFIGURATION,
        detectLocalMode,
        detectLocal: { bridgeInterface: 'cni0', interfaceNamePrefix: 'veth' },
        clusterCIDR: '10.244.0.0/16, fd00:10:244::/56',
      },
      mode: 'iptables',
      serviceCIDRs: [],
      beLiberal: false,
    })
  assert.equal(of('').detectLocalMode, 'ClusterCIDR')
  assert.deepEqual(of('').clusterCIDRs, ['10.244.0.0/16', 'fd00:10:244::/56'])
  assert.deepEqual(
    [of('BridgeInterface').detectLocalMode, of('BridgeInterface').bridgeInterface],
    ['BridgeInterface', 'cni0'],
  )
  assert.equal(of('InterfaceNamePrefix').interfaceNamePrefix, 'veth')
})

test('bind addresses are completed: a missing port, and IPv6 where bindAddress is', () => {
  const complete = (change: object, given: readonly string[] = []) => {
    const { healthzBindAddress, metricsBindAddress } = completeAddresses(
      { ...DEFAULT_CONFIGURATION, ...change },
      new Set(given),
    )
    return [healthzBindAddress, metricsBindAddress]
  }
  assert.deepEqual(complete({}), ['0.0.0.0:10256', '127.0.0.1:10249'])
  assert.deepEqual(complete({ bindAddress: 'fd00::7' }), ['[::]:10256', '[::1]:10249'])
  assert.deepEqual(complete({ healthzBindAddress: '127.0.0.1', metricsBindAddress: '::1' }), [
    '127.0.0.1:10256',
    '[::1]:10249',
  ])
  const given = { bindAddress: 'fd00::7', healthzBindAddress: '127.0.0.1:1' }
  assert.deepEqual(complete(given, ['healthzBindAddress']), ['127.0.0.1:1', '[::1]:10249'])
})

test('settings that change nothing here are named, each with its reason', () => {
  const text = `${HEAD}enableProfiling: true\nconfigSyncPeriod: 5m\nipvs: {scheduler: wrr, strictARP: false}\nfeatureGates: {Foo: true}\nclientConnection: {qps: 50, burst: 0}\n`
  assert.deepEqual(
    ignoredSettings(decodeConfiguration(text), 'iptables').map((line) => line.split(/ has|:/, 1)[0]),
    ['enableProfiling', 'configSyncPeriod', 'clientConnection.qps', 'ipvs.scheduler', 'feature gate Foo'],
  )
  assert.deepEqual(ignoredSettings(decodeConfiguration(HEAD), 'iptables'), [])
})

test('CT-12 CC-174 flows by cores, within bounds; only what differs is written', () => {
  const { conntrack } = DEFAULT_CONFIGURATION
  const max = (cores: number, change = {}): string | undefined =>
    planConntrack({ conntrack: { ...conntrack, ...change }, cores, found: new Map() }).sysctls.find(
      ({ path }) => path === CONNTRACK_PATHS.max,
    )?.value
  assert.deepEqual([max(1), max(8), max(64)], ['131072', '262144', '1048576'])
  assert.equal(max(8, { maxPerCore: 0 }), undefined)
  assert.equal(max(1, { min: 0 }), '32768')
  const found = new Map<string, string>([
    [CONNTRACK_PATHS.max, '262144'],
    [CONNTRACK_PATHS.tcpEstablishedTimeout, '86400'],
    [CONNTRACK_PATHS.tcpCloseWaitTimeout, '60'],
  ])
  const plan = planConntrack({
    conntrack: { ...conntrack, tcpBeLiberal: true, udpTimeout: 30 },
    cores: 8,
    found,
    hashSize: 1024,
  })
  assert.deepEqual(
    plan.sysctls.map(({ path, value }) => `${path.split('/').at(-1) ?? ''}=${value}`),
    ['nf_conntrack_tcp_timeout_close_wait=3600', 'nf_conntrack_udp_timeout=30', 'nf_conntrack_tcp_be_liberal=1'],
  )
  assert.equal(plan.hashSize, 65_536)
  assert.equal(planConntrack({ conntrack, cores: 8, found, hashSize: 65_536 }).hashSize, undefined)
})
