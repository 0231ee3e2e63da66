/** What the box's first process is told when it starts, and what it tells its supervisor over their IPC channel. */
import type { Family } from '#lib'

export type BoxConfig = {
  /** `auto`: the sandbox finds out. */
  readonly mode: string
  readonly nodes: number
  /** On the host; absent: on the sandbox's tmpfs, gone with it. */
  readonly stateDir?: string
  /** Resolvers for names outside the cluster; none: such names are refused. */
  readonly upstreams: readonly string[]
}

export type BoxInfo = {
  readonly mode: string
  readonly families: readonly Family[]
  readonly nodes: readonly {
    readonly name: string
    readonly addresses: readonly string[]
    readonly podCIDRs: readonly string[]
  }[]
  readonly outside: Partial<Readonly<Record<Family, string>>>
  /** As dialled inside. */
  readonly apiServer: { readonly host: string; readonly port: number }
  /** PEM of the certificate authority. */
  readonly ca: string
  readonly adminToken: string
}

export type FromInit =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'ready'; readonly info: BoxInfo }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

export const BOX_CONFIG_VARIABLE = 'SIGNALBOX_BOX'
