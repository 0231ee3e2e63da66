/**
 * What the generated data does not hold: autoscaling/v1 Scale (k8s.io/api/autoscaling/v1), the body of `/scale`, and which
 * keywords of a JSON schema inside a CustomResourceDefinition mean something when they are zero or false.
 */
import type { MessageFields, SchemaNode } from './schema-node.ts'

const AUTOSCALING = 'io.k8s.api.autoscaling.v1'
const META = '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const replicas: SchemaNode = { type: 'integer', format: 'int32' }

export const OWN_SCHEMAS: Readonly<Record<string, SchemaNode>> = {
  [`${AUTOSCALING}.Scale`]: {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { default: {}, allOf: [{ $ref: META }] },
      spec: { default: {}, allOf: [{ $ref: `#/components/schemas/${AUTOSCALING}.ScaleSpec` }] },
      status: { default: {}, allOf: [{ $ref: `#/components/schemas/${AUTOSCALING}.ScaleStatus` }] },
    },
    'x-kubernetes-group-version-kind': [{ group: 'autoscaling', version: 'v1', kind: 'Scale' }],
  },
  [`${AUTOSCALING}.ScaleSpec`]: { type: 'object', properties: { replicas } },
  [`${AUTOSCALING}.ScaleStatus`]: {
    type: 'object',
    required: ['replicas'],
    properties: { replicas, selector: { type: 'string' } },
  },
}

export const OWN_MESSAGES: Readonly<Record<string, MessageFields>> = {
  'k8s.io.api.autoscaling.v1.Scale': {
    metadata: [1, 'k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta'],
    spec: [2, 'k8s.io.api.autoscaling.v1.ScaleSpec'],
    status: [3, 'k8s.io.api.autoscaling.v1.ScaleStatus'],
  },
  'k8s.io.api.autoscaling.v1.ScaleSpec': { replicas: [1, 'int32'] },
  'k8s.io.api.autoscaling.v1.ScaleStatus': { replicas: [1, 'int32'], selector: [2, 'string'] },
}

export const OWN_PRESENCE: Readonly<Record<string, readonly string[]>> = {
  'k8s.io.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps': [
    'default',
    'example',
    'minimum',
    'maximum',
    'multipleOf',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'minProperties',
    'maxProperties',
    'additionalProperties',
    'additionalItems',
  ],
}
