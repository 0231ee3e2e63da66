import { evaluateProgram } from '#backends/iptables'
import { behaviourSuite } from './behaviour.shared.ts'
import { renderClusterProgram } from './render-cluster.ts'

behaviourSuite({
  mode: 'iptables',
  evaluate: ({ packet, host, ...cluster }) => evaluateProgram(renderClusterProgram(cluster), packet, host),
  skip: [],
})
