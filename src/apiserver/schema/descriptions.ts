/**
 * What `kubectl explain` says, in our own words, for the fields people ask about. The key '' describes the type itself.
 */
import { ENDPOINT_DESCRIPTIONS } from './endpoint-descriptions.ts'
import { POD_DESCRIPTIONS } from './pod-descriptions.ts'
import { SERVICE_DESCRIPTIONS } from './service-descriptions.ts'

type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>

const TYPE_META = {
  apiVersion: 'Group and version of the schema this object is written in, such as v1 or discovery.k8s.io/v1.',
  kind: 'What sort of object this is; with apiVersion it names the schema.',
  metadata: 'Name, labels, owners and what else every object has.',
}

const META: Descriptions = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    '': 'What every stored object carries, whatever its kind.',
    name: 'Name, unique among the objects of its kind in its namespace. It cannot be changed.',
    namespace: 'Namespace the object lives in; "default" if a client names none. It cannot be changed.',
    generateName: 'Prefix from which the server makes a unique name when name is empty.',
    uid: 'Identity of this one object. An object that is deleted and made again under its name gets another one.',
    resourceVersion:
      'Revision of the store at which the object was last written. Opaque; sent back, it guards an update against overwriting changes of others.',
    generation: 'Counts the changes of what is wanted, unlike resourceVersion, which counts every write.',
    creationTimestamp: 'When the server stored the object first. Set by the server.',
    deletionTimestamp:
      'When the object will be, or should have been, gone. Set by the server on a delete that has to wait.',
    deletionGracePeriodSeconds: 'Seconds that were granted for an orderly end when the deletion was asked for.',
    labels: 'Key and value pairs that selectors match on.',
    annotations: 'Key and value pairs for tools and people. Selectors do not see them.',
    ownerReferences: 'Objects this one depends on. When all of them are gone, it is collected.',
    finalizers:
      'Names of those who still have work to do before the object may vanish. Deletion waits for the list to become empty.',
    managedFields: 'Which client set which field, kept for server-side apply.',
    selfLink: 'No longer filled in.',
  },
  'io.k8s.api.core.v1.Namespace': {
    '': 'A scope for names: objects of one kind must differ in name only within it.',
    ...TYPE_META,
  },
  'io.k8s.api.core.v1.Node': {
    '': 'A machine that runs pods and, for Services, programs the rules that reach them.',
    ...TYPE_META,
  },
  'io.k8s.api.core.v1.NodeSpec': {
    podCIDR: 'Range from which the pods of this node get their addresses; the first of podCIDRs.',
    podCIDRs: 'Ranges for pod addresses, at most one of each IP family.',
    taints: 'Marks that keep pods away which do not tolerate them.',
    unschedulable: 'True: no new pods are placed here. Running pods stay.',
  },
  'io.k8s.api.core.v1.ConfigMap': {
    '': 'Configuration as key and value pairs.',
    ...TYPE_META,
    data: 'Values that are text, by key.',
    binaryData: 'Values that are bytes, in base64, by key. No key may be in data as well.',
    immutable: 'True: neither the values nor this field can change any more.',
  },
  'io.k8s.api.core.v1.Secret': {
    '': 'Confidential key and value pairs.',
    ...TYPE_META,
    data: 'Values in base64, by key.',
    stringData: 'Values as plain text, for writing only: they are folded into data.',
    type: 'Tells programs which keys to expect. Opaque promises nothing; kubernetes.io/tls needs tls.crt and tls.key.',
    immutable: 'True: neither the values nor this field can change any more.',
  },
  'io.k8s.api.coordination.v1.Lease': { '': 'Who holds a role, and until when.', ...TYPE_META },
}

export const DESCRIPTIONS: Descriptions = {
  ...META,
  ...SERVICE_DESCRIPTIONS,
  ...ENDPOINT_DESCRIPTIONS,
  ...POD_DESCRIPTIONS,
}
