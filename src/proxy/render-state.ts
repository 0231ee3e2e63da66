/** The pure stages strung together, for one service and for all: cluster state to a backend's fragments. */
import type { ClusterState, ObjectKey } from '#api'
import type { Backend } from '#backends/shared'
import type { NodePlan } from '#dataplane'
import { planService } from '#dataplane'
import type { NodeFacts, Problem } from '#model'
import { buildServiceModel } from '#model'
import type { ServiceFacts } from './service-facts.ts'
import { factsOf } from './service-facts.ts'

export type RenderContext = {
  readonly state: ClusterState
  readonly node: NodeFacts
  readonly nodePlan: NodePlan
}

export type RenderedService<Fragment> = {
  /** Absent: no rules in this family. */
  readonly fragment?: Fragment
  /** Present exactly with a fragment. */
  readonly facts?: ServiceFacts
  readonly problems: readonly Problem[]
}

type Renderer<Fragment> = Pick<Backend<never, Fragment, never, never>, 'family' | 'renderService'>

export function renderKey<Fragment>(
  backend: Renderer<Fragment>,
  key: ObjectKey,
  context: RenderContext,
): RenderedService<Fragment> {
  const service = context.state.services.get(key)
  if (service === undefined) return { problems: [] }
  const slices = context.state.slicesOf(key)
  const model = buildServiceModel({ service, slices, node: context.node, family: backend.family })
  const plan = planService(model, context.nodePlan)
  if (plan === undefined) return { problems: model.problems }
  return {
    fragment: backend.renderService(plan, context.nodePlan),
    facts: factsOf(model, plan),
    problems: model.problems,
  }
}

export function renderAll<Fragment>(
  backend: Renderer<Fragment>,
  context: RenderContext,
  visit: (key: ObjectKey, rendered: RenderedService<Fragment>) => void,
): Map<string, Fragment> {
  const services = new Map<string, Fragment>()
  for (const key of context.state.services.keys()) {
    const rendered = renderKey(backend, key, context)
    if (rendered.fragment !== undefined) services.set(key, rendered.fragment)
    visit(key, rendered)
  }
  return services
}
