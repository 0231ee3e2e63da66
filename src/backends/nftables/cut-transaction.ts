/**
 * Steps in pieces, each short enough for one batch. A batch is one netlink message, which without privilege over the host
 * may not be longer than the socket's send buffer (net.core.wmem_max, 212,992 bytes where nobody changed it; the kernel
 * allows twice that).
 */
import type { ElementChange, Step } from './transaction.ts'
import { bytesOf, elementBytes } from './transaction.ts'

/** In order. Only a frontend that alone does not fit is cut. */
export function cutSteps(steps: readonly Step[], limit: number): Step[][] {
  if (limit === Number.POSITIVE_INFINITY) return steps.length === 0 ? [] : [[...steps]]
  const pieces: Step[][] = []
  let open: Step[] = []
  let size = 0
  for (const step of steps.flatMap((whole) => cutStep(whole, limit))) {
    const bytes = bytesOf(step)
    if (size > 0 && size + bytes > limit) {
      pieces.push(open)
      open = []
      size = 0
    }
    open.push(step)
    size += bytes
  }
  if (open.length > 0) pieces.push(open)
  return pieces
}

function cutStep(step: Step, limit: number): Step[] {
  if (step.kind === 'changes' || bytesOf(step) <= limit) return [step]
  const parts: ElementChange[][] = [[]]
  let size = 0
  for (const element of step.elements) {
    const bytes = elementBytes(element)
    if (size > 0 && size + bytes > limit) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(element)
    size += bytes
  }
  return parts.map((elements) => ({ kind: 'elements', elements }))
}
