/** What every box runs for its user: cluster DNS, as a pod behind the Service that kubeadm would make. */
import type { KubeObject, Pod, Service } from '#api'
import type { Topology } from '#lab'

import { DNS_SERVICE_ACCOUNT } from './credentials.ts'

const LABELS = { 'k8s-app': 'kube-dns' }
const PORT = 53

export function addonObjects(topology: Topology, upstreams: readonly string[]): readonly KubeObject[] {
  const account: KubeObject = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: DNS_SERVICE_ACCOUNT.name, namespace: DNS_SERVICE_ACCOUNT.namespace },
  }
  return [account, dnsService(topology), dnsPod(topology, upstreams)]
}

function dnsService(topology: Topology): Service {
  const dualStack = topology.families.length > 1
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { ...LABELS, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      selector: LABELS,
      clusterIP: topology.dnsAddress,
      ipFamilyPolicy: dualStack ? 'PreferDualStack' : 'SingleStack',
      ports: [
        { name: 'dns', protocol: 'UDP', port: PORT, targetPort: PORT },
        { name: 'dns-tcp', protocol: 'TCP', port: PORT, targetPort: PORT },
      ],
    },
  }
}

function dnsPod(topology: Topology, upstreams: readonly string[]): Pod {
  const cidrs = [...Object.values(topology.serviceCidrs), ...Object.values(topology.clusterCidrs)]
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'signalbox-dns', namespace: 'kube-system', labels: LABELS },
    spec: {
      serviceAccountName: DNS_SERVICE_ACCOUNT.name,
      // Its own service must not be its resolver.
      dnsPolicy: 'Default',
      containers: [
        {
          name: 'dns',
          image: 'signalbox/dns',
          args: [
            '--zone',
            topology.clusterDomain,
            '--reverse-zones',
            cidrs.join(','),
            '--health-address',
            '0.0.0.0:8181',
            ...upstreams.flatMap((upstream) => ['--upstream', upstream]),
          ],
          ports: [
            { name: 'dns', containerPort: PORT, protocol: 'UDP' },
            { name: 'dns-tcp', containerPort: PORT, protocol: 'TCP' },
          ],
          readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
        },
      ],
    },
  }
}
