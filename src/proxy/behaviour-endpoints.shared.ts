/** Which endpoints a packet may reach, and what happens where there is none: sections 2 and 11.1. */
import assert from 'node:assert/strict'
import type { Questions } from './testing/ask.ts'
import { L, R, l, r, allMasq, nodePort, balanced, external, frontends } from './testing/ask.ts'
import { here, service, slice, there } from './testing/objects.ts'

export function askEndpoints({ rule, table, evaluate }: Questions): void {
  table('EP-15 no endpoint anywhere is REJECT for all', { services: [service(external)] }, [
    ['pod', '10.96.0.10:80', 'REJECT'],
    ['node', '10.96.0.10:80', 'REJECT'],
    ...frontends.flatMap((to) => [['pod', to, 'REJECT'] as const, ['outside', to, 'REJECT'] as const]),
  ])

  table(
    'EP-16 internal Local without a local endpoint is DROP',
    { services: [service({ internalTrafficPolicy: 'Local' })], slices: [slice({ endpoints: [R] })] },
    [
      ['pod', '10.96.0.10:80', 'DROP'],
      ['node', '10.96.0.10:80', 'DROP'],
    ],
  )

  table(
    'EP-17 external Local without a local endpoint: DROP outside, short-circuit inside',
    {
      services: [service({ ...external, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 })],
      slices: [slice({ endpoints: [R] })],
    },
    [
      ['pod', '10.96.0.10:80', r],
      ...frontends.flatMap((to) => [
        ['outside', to, 'DROP'] as const,
        ['pod', to, r] as const,
        ['node', to, `${r}*`] as const,
      ]),
    ],
  )

  table('EP-20 a node process dialling an endpoint-less VIP is not rejected', { services: [service(external)] }, [
    ['node', '198.51.100.7:80', 'untouched'],
  ])

  const localPolicy = { ...balanced, externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 } as const
  table(
    'CC-19 external Local: ready ones everywhere',
    {
      services: [service(localPolicy)],
      slices: [
        slice({
          endpoints: [
            here('10.244.1.1'),
            here('10.244.1.2'),
            here('10.244.1.3', 'terminating'),
            here('10.244.1.4', 'bad'),
            R,
          ],
        }),
      ],
    },
    [
      ['pod', '10.96.0.10:80', '10.244.1.1:8080 10.244.1.2:8080 10.244.2.1:8080'],
      ['outside', '198.51.100.7:80', '10.244.1.1:8080 10.244.1.2:8080'],
    ],
  )
  table(
    'CC-20 external Local: local terminating ones bridge, while others are ready elsewhere',
    {
      services: [service(localPolicy)],
      slices: [
        slice({
          endpoints: [
            here('10.244.1.1', 'terminating'),
            here('10.244.1.2', 'terminating'),
            here('10.244.1.3', 'bad'),
            R,
          ],
        }),
      ],
    },
    [
      ['pod', '10.96.0.10:80', r],
      ['outside', '198.51.100.7:80', '10.244.1.1:8080 10.244.1.2:8080'],
    ],
  )
  table(
    'CC-21 external Local: only remote terminating ones',
    { services: [service(localPolicy)], slices: [slice({ endpoints: [there('10.244.2.1', 'terminating')] })] },
    [
      ['pod', '10.96.0.10:80', r],
      ['outside', '198.51.100.7:80', 'DROP'],
    ],
  )
  table(
    'CC-22 nothing usable is REJECT',
    {
      services: [service(localPolicy)],
      slices: [slice({ endpoints: [here('10.244.1.1', 'bad'), there('10.244.2.1', 'bad')] })],
    },
    [
      ['pod', '10.96.0.10:80', 'REJECT'],
      ['outside', '198.51.100.7:80', 'REJECT'],
    ],
  )
  table(
    'CC-23 external Cluster: only remote terminating ones',
    { services: [service(balanced)], slices: [slice({ endpoints: [there('10.244.2.1', 'terminating')] })] },
    [
      ['pod', '10.96.0.10:80', r],
      ['outside', '198.51.100.7:80', `${r}*`],
    ],
  )
  table(
    'CC-14 internal Local with external Cluster',
    { services: [service({ ...nodePort, internalTrafficPolicy: 'Local' })], slices: [slice({ endpoints: [L, R] })] },
    [
      ['pod', '10.96.0.10:80', l],
      ['outside', '172.18.0.11:30080', allMasq],
    ],
  )
  table(
    'CC-15 both Local, only remote terminating ones',
    {
      services: [service({ ...localPolicy, internalTrafficPolicy: 'Local' })],
      slices: [slice({ endpoints: [there('10.244.2.1', 'terminating')] })],
    },
    [
      ['pod', '10.96.0.10:80', 'DROP'],
      ['outside', '198.51.100.7:80', 'DROP'],
      ['pod', '198.51.100.7:80', r],
    ],
  )

  rule('EP-18 the spread is even, to the resolution of the mode', () => {
    const endpoints = Array.from({ length: 7 }, (_, index) => here(`10.244.1.${index + 1}`))
    const { outcomes } = evaluate({ services: [service()], slices: [slice({ endpoints })] }, 'pod', '10.96.0.10:80')
    assert.equal(outcomes.length, 7)
    for (const { probability } of outcomes) {
      const share = Number(probability.numerator) / Number(probability.denominator)
      assert.ok(Math.abs(share - 1 / 7) < 2 ** -30, String(share))
    }
  })
}
