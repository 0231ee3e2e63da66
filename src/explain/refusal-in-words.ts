/** The model's reasons for leaving an endpoint out, as a sentence that follows its address. */
import type { RefusalReason } from '#model'

export function refusalInWords(reason: RefusalReason): string {
  switch (reason.code) {
    case 'not-ready':
      return 'is not ready'
    case 'terminating-unused':
      return 'is terminating, and ready endpoints exist'
    case 'other-node':
      return `runs on ${reason.nodeName ?? 'an unknown node'}, and the traffic policy is Local`
    case 'hinted-other-node':
      return `is hinted for ${reason.nodes.join(', ')}`
    case 'other-zone':
      return `is hinted for zone ${reason.zones.join(', ')}`
    case 'list-unused':
      return 'is in a list that no traffic policy of this port reads'
  }
}
