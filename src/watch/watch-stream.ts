/** The response of one watch request as events (api-server.md 7.2). */
import type { KubeObject, Status, WatchEvent } from '#api'
import { messageOf, SignalboxError } from '#lib'
import { classifyFailure, errorFromStatus } from './classify-status.ts'
import type { Transport } from './http-transport.ts'
import { createLineSplitter } from './split-lines.ts'

export type WatchRequest = { readonly transport: Transport; readonly path: string; readonly eventLimit: number }

/** An event can hold no more than an object, which the server limits to 3 MiB. */
const ERROR_BODY_LIMIT = 1 << 20

export async function* watchEvents<T extends KubeObject>(
  watch: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { transport, path } = watch
  const request = { method: 'GET', path, signal, streaming: true }
  // Ends the request when the consumer leaves the loop early, even while it waits for bytes.
  try {
    const response = await transport.open(request)
    const status = response.statusCode ?? 0
    try {
      if (status !== 200) {
        const chunks: Buffer[] = []
        let size = 0
        for await (const chunk of response as AsyncIterable<Buffer>) {
          chunks.push(chunk)
          size += chunk.length
          if (size > ERROR_BODY_LIMIT) break
        }
        throw classifyFailure({ method: 'GET', path, status, body: Buffer.concat(chunks).toString('utf8') })
      }
      const lines = createLineSplitter(watch.eventLimit)
      for await (const chunk of response as AsyncIterable<Buffer>) {
        for (const line of lines.push(chunk)) {
          if (signal.aborted) return
          yield parseEvent<T>(line, path)
        }
      }
      if (lines.pending) throw broken(path, 'the stream ended inside an event')
    } finally {
      response.destroy()
    }
  } catch (error) {
    if (signal.aborted) return
    if (error instanceof SignalboxError) throw error
    throw error instanceof RangeError ? rejected(path, error.message) : broken(path, messageOf(error), error)
  }
}

function parseEvent<T extends KubeObject>(line: string, path: string): WatchEvent<T> {
  let event: Partial<WatchEvent<T>> | null
  try {
    event = JSON.parse(line) as Partial<WatchEvent<T>> | null
  } catch (error) {
    throw rejected(path, 'a line is not JSON', error)
  }
  const { type, object } = event ?? {}
  if (typeof type !== 'string' || typeof object !== 'object' || object === null) {
    throw rejected(path, 'a line is not a watch event')
  }
  if (type === 'ERROR') {
    throw errorFromStatus(object as unknown as Partial<Status>, { method: 'GET', path, status: 500 })
  }
  return { type, object }
}

function broken(path: string, fact: string, cause?: unknown): SignalboxError {
  return new SignalboxError('SBX_API_UNAVAILABLE', `watch ${path.split('?', 1)[0]}: ${fact}`, { cause })
}

function rejected(path: string, fact: string, cause?: unknown): SignalboxError {
  return new SignalboxError('SBX_API_REJECTED', `watch ${path.split('?', 1)[0]}: ${fact}`, { cause })
}
