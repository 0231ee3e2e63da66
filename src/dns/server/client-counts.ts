/** How much of a bounded resource each client holds, so that one cannot take all of it. */
export interface ClientCounts {
  /** False, and nothing taken, when either bound is reached. */
  take(client: string): boolean
  give(client: string): void
  readonly total: number
}

export function createClientCounts(max: { readonly total: number; readonly perClient: number }): ClientCounts {
  const held = new Map<string, number>()
  let total = 0
  return {
    take: (client) => {
      const count = held.get(client) ?? 0
      if (total >= max.total || count >= max.perClient) return false
      held.set(client, count + 1)
      total++
      return true
    },
    give: (client) => {
      const count = held.get(client)
      if (count === undefined) return
      total--
      if (count === 1) held.delete(client)
      else held.set(client, count - 1)
    },
    get total() {
      return total
    },
  }
}
