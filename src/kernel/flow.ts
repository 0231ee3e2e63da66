/** UDP flows as the kernel tracks them, and what a door to their table offers. @throws from every call: SBX_CONNTRACK_FAILED */
import type { Family } from '#lib'
import type { CommandOptions, CommandResult } from './run-command.ts'

export type FlowEnd = { readonly address: string; readonly port: number }

export type Direction = { readonly source: FlowEnd; readonly destination: FlowEnd }

export type Flow = {
  /** As the first packet had it. */
  readonly original: Direction
  /** As answers have it: its source is where the packets really go. */
  readonly reply: Direction
  /** The kernel's own name for it; the door that listed it knows what is in there. */
  readonly handle?: Uint8Array
}

export interface ConntrackDoor {
  readonly family: Family
  readonly via: 'netlink' | 'conntrack'
  /** `complete` is false where the kernel was interrupted: what was read is still right (CT-2). */
  udpFlows(): Promise<{ readonly flows: readonly Flow[]; readonly complete: boolean }>
  /** Exactly these; one that is gone already is no failure, and one failure does not stop the others (CT-10). */
  remove(flows: readonly Flow[]): Promise<{ readonly removed: number; readonly failed: number }>
  close(): void
}

export type OpenConntrackOptions = {
  readonly family: Family
  readonly runCommand: (file: string, args: readonly string[], options?: CommandOptions) => Promise<CommandResult>
}
