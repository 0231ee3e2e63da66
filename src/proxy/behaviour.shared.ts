/**
 * What every mode must do with packets, asked of its rendered program: the tables of the service-proxy reference by their
 * IDs. A mode that differs names the tests it skips and why.
 */
import { askEndpoints } from './behaviour-endpoints.shared.ts'
import { askPorts } from './behaviour-ports.shared.ts'
import { askTargets } from './behaviour-targets.shared.ts'
import type { ModeUnderTest } from './testing/ask.ts'
import { createQuestions } from './testing/ask.ts'

export function behaviourSuite(mode: ModeUnderTest): void {
  const questions = createQuestions(mode)
  askTargets(questions)
  askEndpoints(questions)
  askPorts(questions)
}
