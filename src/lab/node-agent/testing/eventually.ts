import assert from 'node:assert/strict'

/** Asks until there is an answer. */
export async function eventually<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 30_000
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    assert.ok(performance.now() < deadline, `${what} did not come true`)
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}
