import type { Pod } from '#api'

/** The pod that the demo's requests come from. */
export const CLIENT_POD: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', namespace: 'default', labels: { app: 'client' } },
  spec: { containers: [{ name: 'client', image: 'signalbox/client' }], terminationGracePeriodSeconds: 1 },
}
