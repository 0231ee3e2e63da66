/** `kubectl explain endpointslice` and `endpoints`, in our own words. */
export const ENDPOINT_DESCRIPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'io.k8s.api.discovery.v1.EndpointSlice': {
    '': 'A part of the endpoints of a Service, named by the label kubernetes.io/service-name. All slices of a Service together are its endpoints.',
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: 'Name, labels, owners and what else every object has.',
    addressType:
      'What all addresses in the slice are: IPv4, IPv6, or FQDN (which node proxies ignore). It cannot be changed.',
    endpoints: 'The endpoints, at most 1000.',
    ports: 'Ports that every endpoint of this slice serves. None: the endpoints serve no ports that are known.',
  },
  'io.k8s.api.discovery.v1.Endpoint': {
    '': 'Something that answers for a Service, usually a pod.',
    addresses: 'Its addresses. They mean the same endpoint; consumers use the first.',
    conditions: 'Whether it should get traffic.',
    hostname: 'Name that DNS gives this endpoint below the name of its Service.',
    nodeName: 'Node it runs on; decides what counts as local.',
    targetRef: 'The object behind it.',
    zone: 'Zone it runs in.',
    hints: 'Who should use it, when traffic is to stay close.',
    deprecatedTopology: 'Kept from older versions; not used.',
  },
  'io.k8s.api.discovery.v1.EndpointConditions': {
    '': 'Whether an endpoint should get traffic.',
    ready: 'It takes new traffic: it serves and is not about to end. Unset counts as true.',
    serving: 'It answers, whether it is about to end or not. Unset counts as ready does.',
    terminating: 'It is about to end. Used while it still serves only if nothing better is left.',
  },
  'io.k8s.api.discovery.v1.EndpointPort': {
    '': 'A port that all endpoints of a slice serve.',
    name: 'Name of the Service port it belongs to; empty for a Service with one unnamed port.',
    port: 'Number. Unset: all ports.',
    protocol: 'TCP, UDP or SCTP.',
    appProtocol: 'Hint about what is spoken on top, copied from the Service port.',
  },
  'io.k8s.api.discovery.v1.EndpointHints': {
    '': 'Who should use an endpoint.',
    forZones: 'Zones whose clients should use it, at most eight.',
    forNodes: 'Nodes whose clients should use it, at most eight.',
  },
  'io.k8s.api.core.v1.Endpoints': {
    '': 'All endpoints of a Service in one object of the same name. Deprecated: EndpointSlices scale, know two IP families and say more.',
    subsets: 'Groups of addresses that share their ports.',
  },
}
