/** `kubectl explain service`, in our own words. */
export const SERVICE_DESCRIPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'io.k8s.api.core.v1.Service': {
    '': 'A stable name and address in front of a changing set of pods. Nothing called a service runs: the declaration is made true by endpoints, DNS and the rules on every node.',
    apiVersion: 'v1',
    kind: 'Service',
    metadata: 'Name, labels, owners and what else every object has.',
    spec: 'What is wanted.',
    status: 'What has been observed, such as the addresses a load balancer gave.',
  },
  'io.k8s.api.core.v1.ServiceSpec': {
    '': 'How a Service is reached, and what is behind it.',
    allocateLoadBalancerNodePorts:
      'Only for type LoadBalancer. False: no node ports are allocated, for load balancers that reach pods without them. Ports already allocated stay until they are removed from the entries.',
    clusterIP:
      'Virtual address inside the cluster, chosen from the service range unless one is asked for. "None" makes the Service headless: DNS then answers with the endpoints themselves. It cannot be changed while the type needs one.',
    clusterIPs: 'All virtual addresses, at most one of each IP family; the first is clusterIP.',
    externalIPs:
      'Addresses for which the nodes accept traffic to this Service too. Somebody else has to route them here. Deprecated.',
    externalName: 'For type ExternalName: the DNS name that stands behind this one, answered as a CNAME.',
    externalTrafficPolicy:
      'What a node does with traffic from outside. Cluster: any endpoint may answer, and the client address may be hidden. Local: only endpoints on the same node answer and the client address is kept; a node without endpoints drops the traffic.',
    healthCheckNodePort:
      'For type LoadBalancer with externalTrafficPolicy Local: port at which each node tells the load balancer whether it has endpoints. Allocated unless one is asked for.',
    internalTrafficPolicy:
      'What a node does with traffic from its own pods. Cluster: any endpoint may answer. Local: only endpoints on the same node, and none if there are none.',
    ipFamilies: 'Families of the addresses in clusterIPs, in the same order. The first cannot be changed.',
    ipFamilyPolicy:
      'SingleStack: one address. PreferDualStack: two where the cluster has both families. RequireDualStack: two, or the request fails.',
    loadBalancerClass:
      'Only for type LoadBalancer: which implementation is meant. Unset: the default one. It cannot be changed while the type stays.',
    loadBalancerIP: 'Address to ask the load balancer for. Deprecated: implementations differ in whether they heed it.',
    loadBalancerSourceRanges: 'Only for type LoadBalancer: client ranges (CIDRs) that may use it. None: everybody.',
    ports: 'Ports under which the Service is reached. Names are needed as soon as there is more than one.',
    publishNotReadyAddresses:
      'True: endpoints count as ready whether their pods are or not. For peers that must find each other before they are ready.',
    selector:
      'Labels of the pods behind the Service. Without a selector nobody writes endpoints but you. Ignored for type ExternalName.',
    sessionAffinity:
      'ClientIP: a client address keeps its endpoint for a while. None: each connection is balanced anew.',
    sessionAffinityConfig: 'How long affinity lasts.',
    trafficDistribution:
      'Which endpoints to prefer: PreferSameZone (also spelled PreferClose, deprecated) or PreferSameNode. A preference, not a limit.',
    type: 'How far the Service can be reached. ClusterIP: inside the cluster. NodePort: also at a port of every node. LoadBalancer: also from outside through a load balancer. ExternalName: no address at all, only a DNS alias.',
  },
  'io.k8s.api.core.v1.ServicePort': {
    '': 'One port of a Service.',
    name: 'Name of the port within the Service, a DNS label; endpoints carry it, and DNS makes an SRV record of it.',
    port: 'Port clients connect to.',
    targetPort:
      'Port of the pods: a number, or the name of a container port, which may differ from pod to pod. The same as port if unset.',
    nodePort: 'Port of every node, for types NodePort and LoadBalancer. Allocated unless one is asked for.',
    protocol: 'TCP, UDP or SCTP.',
    appProtocol: 'Hint about what is spoken on top, for proxies that can make use of it, such as kubernetes.io/h2c.',
  },
  'io.k8s.api.core.v1.SessionAffinityConfig': {
    '': 'Settings of session affinity.',
    clientIP: 'Settings of affinity by client address.',
  },
  'io.k8s.api.core.v1.ClientIPConfig': {
    '': 'Settings of affinity by client address.',
    timeoutSeconds:
      'Seconds after its last connection until a client may be sent elsewhere; 1 to 86400, 10800 if unset.',
  },
  'io.k8s.api.core.v1.ServiceStatus': {
    '': 'What has been observed of a Service.',
    loadBalancer: 'Where the load balancer listens, once there is one.',
    conditions: 'Findings of controllers about this Service.',
  },
  'io.k8s.api.core.v1.LoadBalancerStatus': {
    '': 'Where a load balancer listens.',
    ingress: 'Its addresses and names.',
  },
  'io.k8s.api.core.v1.LoadBalancerIngress': {
    '': 'One way into a load balancer.',
    ip: 'Its address.',
    hostname: 'Its name, for load balancers that have no fixed address.',
    ipMode:
      'VIP: packets arrive at the nodes with this address as their destination, so that nodes may short-cut it. Proxy: they arrive with another one.',
    ports: 'Ports, with an error for those that could not be served.',
  },
}
