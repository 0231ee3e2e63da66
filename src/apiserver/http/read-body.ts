/** A request's body, never more than the limit of kube-apiserver (api-server.md 2.1). */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

import { badRequest, bodyTooLarge, Refused } from '../status/index.ts'

export const MAX_BODY = 3_145_728

const inflate = promisify(gunzip)

export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) throw new Refused(bodyTooLarge(MAX_BODY))
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_BODY) throw new Refused(bodyTooLarge(MAX_BODY))
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Refused) throw error
    // The client went away in the middle of it; nobody will read this.
    throw new Refused(badRequest('the body ended before it was complete'))
  }
  const body = Buffer.concat(chunks, size)
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return body
  if (encoding !== 'gzip') throw new Refused(badRequest(`unsupported content encoding "${encoding}"`))
  try {
    return await inflate(body, { maxOutputLength: MAX_BODY })
  } catch (error) {
    const tooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    throw new Refused(tooLarge ? bodyTooLarge(MAX_BODY) : badRequest('the gzip body cannot be read'))
  }
}
