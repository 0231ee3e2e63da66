/** `signalbox controllers`: every controller, against any API server. */
import { runControllers } from '#controllers'
import { systemClock } from '#lib'

import { connectRole } from '../connect-role.ts'
import { createLogger } from '../create-logger.ts'
import { stopSignal } from '../stop-signal.ts'

export async function runControllersRole(options: { readonly kubeconfig?: string }): Promise<void> {
  const logger = createLogger('controllers')
  const signal = stopSignal()
  const client = connectRole({ ...options, component: 'signalbox-controllers', clock: systemClock, signal })
  await runControllers({ client, clock: systemClock, logger, signal, random: Math.random })
}
