/** What the proxy tells users through the API (OP-34). Written by `record-events.ts`, dropped where nobody listens. */
export type ProxyEvent = {
  /** Absent: this node. */
  readonly service?: string
  readonly type: 'Normal' | 'Warning'
  readonly reason:
    'Starting' | 'FailedToStartServiceHealthcheck' | 'FailedToStartProxierHealthcheck' | 'FailedToStartMetricServer'
  readonly message: string
}

export type EventSink = (event: ProxyEvent) => void

export const noEvents: EventSink = () => undefined
