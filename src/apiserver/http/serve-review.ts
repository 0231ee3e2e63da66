/** Questions about the asking user, answered and not stored: `kubectl auth can-i`, `can-i --list`, `whoami`. */
import type { KubeObject } from '#api'
import { apiVersionOf } from '#api'
import type { Authorizer } from '../auth/index.ts'
import { decodeBody } from '../codec/index.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import type { User } from '../registry/index.ts'
import { timestamp } from '../registry/index.ts'
import type { ExtraResource } from '../schema/index.ts'
import { failure, methodNotAllowed, Refused } from '../status/index.ts'
import type { Exchange } from './exchange.ts'
import { answer } from './exchange.ts'
import { readBody } from './read-body.ts'
import type { ResourceRoute } from './route.ts'
import type { ServerContext } from './server-context.ts'

type Review = {
  readonly group: string
  readonly kind: string
  readonly answer: (user: User, spec: Spec, authorizer: Authorizer) => object
}

type Spec = {
  readonly resourceAttributes?: Readonly<Record<string, string>>
  readonly nonResourceAttributes?: Readonly<Record<string, string>>
  readonly namespace?: string
}

const AUTHORIZATION = 'authorization.k8s.io'
const AUTHENTICATION = 'authentication.k8s.io'

const REVIEWS: Readonly<Record<string, Review>> = {
  selfsubjectaccessreviews: {
    group: AUTHORIZATION,
    kind: 'SelfSubjectAccessReview',
    answer: (user, { resourceAttributes, nonResourceAttributes }, authorizer) => {
      if (resourceAttributes === undefined) {
        const { path = '', verb = '' } = nonResourceAttributes ?? {}
        return authorizer.authorizePath(user, { path, verb })
      }
      const { verb = '', group = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes
      const full = subresource === '' ? resource : `${resource}/${subresource}`
      return authorizer.authorize(user, {
        verb,
        group,
        resource: full,
        namespace: namespace || undefined,
        name: name || undefined,
      })
    },
  },
  selfsubjectrulesreviews: {
    group: AUTHORIZATION,
    kind: 'SelfSubjectRulesReview',
    answer: (user, { namespace = '' }, authorizer) => {
      const rules = authorizer.rulesOf(user, namespace)
      return {
        resourceRules: rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length === 0),
        nonResourceRules: rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0),
        incomplete: false,
      }
    },
  },
  selfsubjectreviews: {
    group: AUTHENTICATION,
    kind: 'SelfSubjectReview',
    answer: ({ name, uid, groups }) => ({
      userInfo: { username: name, ...(uid === undefined ? {} : { uid }), groups },
    }),
  },
}

export const REVIEW_RESOURCES: readonly ExtraResource[] = Object.entries(REVIEWS).map(([name, { group, kind }]) => ({
  group,
  version: 'v1',
  name,
  namespaced: false,
  kind,
  verbs: ['create'],
}))

export function isReview(route: ResourceRoute): boolean {
  return (
    Object.hasOwn(REVIEWS, route.resource) && REVIEWS[route.resource]?.group === route.group && route.version === 'v1'
  )
}

export async function serveReview(context: ServerContext, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const review = REVIEWS[route.resource] as Review
  if (exchange.request.method !== 'POST' || route.name !== undefined) throw new Refused(methodNotAllowed())
  const kind = reviewKind(review, route.resource)
  const decoded = decodeBody({
    body: await readBody(exchange.request),
    contentType: exchange.request.headers['content-type'] ?? 'application/json',
    kind,
    fieldValidation: 'Ignore',
  })
  if ('refusal' in decoded) throw new Refused(failure(decoded.refusal))
  const { spec } = decoded.object as KubeObject & { readonly spec?: Spec }
  const body = {
    kind: review.kind,
    apiVersion: apiVersionOf(kind.info),
    metadata: { creationTimestamp: timestamp(context.clock.now()) },
    ...(spec === undefined ? {} : { spec }),
    status: review.answer(exchange.user, spec ?? {}, context.authorizer),
  }
  answer(exchange, { code: 201 }, `${JSON.stringify(body)}\n`)
}

/** Enough of a kind for the decoder. */
function reviewKind(review: Review, resource: string): KindDefinition {
  const domain = review.group.slice(0, review.group.indexOf('.'))
  const info = {
    group: review.group,
    version: 'v1',
    kind: review.kind,
    resource,
    singular: review.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: false,
  }
  const same = <T>(value: T): T => value
  return {
    info,
    schema: `io.k8s.api.${domain}.v1.${review.kind}`,
    message: `k8s.io.api.${domain}.v1.${review.kind}`,
    nameRule: 'subdomain',
    hasStatus: false,
    hasGeneration: false,
    createOnUpdate: false,
    unconditionalUpdate: false,
    deleteReturnsObject: false,
    fields: () => ({}),
    defaults: same,
    prepareForCreate: same,
    prepareForUpdate: same,
    validate: () => [],
    validateUpdate: () => [],
    table: { columns: [], cells: () => [] },
  }
}
