/** All controllers over one set of informers. Needs nothing but an API server, embedded or real. */
import { createWorkloadControllers } from './deployment/workload-controllers.ts'
import { createEndpointsController } from './endpoints/endpoints-controller.ts'
import { createEndpointSliceController } from './endpointslice/endpointslice-controller.ts'
import { createMirroringController } from './mirroring/mirroring-controller.ts'
import { createNamespaceController } from './namespace/namespace-controller.ts'
import { createNodeController } from './node/node-controller.ts'
import { createScheduler } from './scheduler/scheduler.ts'
import type { ControllerOptions } from './shared/shared-informers.ts'
import { createContext } from './shared/shared-informers.ts'

/** Resolves when the signal aborts. */
export async function runControllers(options: ControllerOptions): Promise<void> {
  const { signal, logger } = options
  if (signal.aborted) return
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  const context = createContext(options)
  createEndpointSliceController(context)
  createEndpointsController(context)
  createMirroringController(context)
  createNamespaceController(context)
  createNodeController(context)
  createScheduler(context)
  createWorkloadControllers(context)
  await Promise.race([context.ready.catch(() => undefined), stopped])
  if (!signal.aborted) logger.info('controllers ready')
  await stopped
}
