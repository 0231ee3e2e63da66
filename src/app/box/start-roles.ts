/** Which processes make up a box, and how each is told what it needs to know. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { BoxContext } from './box-context.ts'
import { credentialPath, runtimeLayout, stateLayout } from './box-layout.ts'

export type StartingRoles = { readonly apiServer: () => void; readonly others: () => void }

export function startRoles(context: BoxContext): StartingRoles {
  const { topology, roles, config } = context
  const state = stateLayout(context.stateDir)
  const list = (values: Readonly<Partial<Record<string, string>>>): string => Object.values(values).join(',')
  const controlPlane = topology.controlPlane.netns
  return {
    apiServer: () =>
      roles.start({
        name: 'apiserver',
        netns: controlPlane,
        args: [
          'apiserver',
          '--state-dir',
          state.apiServer,
          '--bind-address',
          topology.families.includes('IPv6') ? '::' : '0.0.0.0',
          '--secure-port',
          String(topology.apiPort),
          '--advertise-address',
          list(topology.controlPlane.addresses),
          '--service-cluster-ip-range',
          list(topology.serviceCidrs),
          '--token-auth-file',
          state.tokens,
          '--kubelet-token-file',
          writeToken(context, 'kubelet-client'),
        ],
      }),
    others: () => {
      roles.start({
        name: 'controllers',
        netns: controlPlane,
        args: ['controllers', '--kubeconfig', credentialPath('controllers')],
      })
      for (const node of topology.nodes) {
        roles.start({
          name: `proxy@${node.name}`,
          netns: node.netns,
          args: [
            'proxy',
            '--kubeconfig',
            credentialPath('proxy'),
            '--hostname-override',
            node.name,
            '--proxy-mode',
            config.mode,
            '--cluster-cidr',
            list(topology.clusterCidrs),
            '--service-cluster-ip-range',
            list(topology.serviceCidrs),
            '--healthz-bind-address',
            '0.0.0.0:10256',
          ],
        })
        roles.start({
          name: `agent@${node.name}`,
          netns: node.netns,
          args: [
            'lab-node',
            '--kubeconfig',
            credentialPath(node.name),
            '--node',
            node.name,
            '--nodes',
            String(config.nodes),
            '--kubelet-token-file',
            writeToken(context, 'kubelet-client'),
            '--dns-token-file',
            writeToken(context, 'dns'),
          ],
        })
      }
    },
  }
}

function writeToken(context: BoxContext, name: string): string {
  const path = join(runtimeLayout.credentials, `${name}.token`)
  writeFileSync(path, context.credentials.get(name)?.token ?? '', { mode: 0o600 })
  return path
}
