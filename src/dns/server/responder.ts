import type { Client } from '../resolve.ts'

/** Several packets only for a zone transfer. */
export type Reply = Buffer | readonly Buffer[] | undefined

/** The reply, or undefined where none may be sent. Never throws or rejects. */
export type Responder = (packet: Buffer, from: Client) => Reply | Promise<Reply>
