/** `signalbox demo`: the main job in one go. */
import { fileURLToPath } from 'node:url'

import type { Service } from '#api'
import type { Explanation } from '#explain'
import { runCommand } from '#kernel'
import { requestLoadCommand } from '#lab'
import type { Clock } from '#lib'
import { SignalboxError, systemClock } from '#lib'
import type { ApiClient } from '#watch'

import { applyObjects } from '../apply-objects.ts'
import type { BoxRecord } from '../box/box-record.ts'
import { prepareStateDir } from '../box/box-record.ts'
import { enterPodOf, findPod, onBoxNode } from '../box/enter-box.ts'
import { startBox } from '../box/start-box.ts'
import { startDetached } from '../box/start-detached.ts'
import { createLogger } from '../create-logger.ts'
import { objectsFromApi } from '../explain/gather-objects.ts'
import { rulesFromKernel } from '../explain/gather-rules.ts'
import { resolveQuestion } from '../explain/resolve-question.ts'
import { explainResolved } from '../explain/run-explain.ts'
import { DEFAULT_MODE, requireKnownModeOrAutomatic } from '../modes.ts'
import type { Progress } from '../progress.ts'
import { createProgress } from '../progress.ts'
import { readManifests } from '../read-manifests.ts'
import { stopSignal } from '../stop-signal.ts'
import { CLIENT_POD } from './client-pod.ts'
import type { DemoReport } from './format-demo.ts'
import { demoJson, formatDemo } from './format-demo.ts'
import { judgeDemo } from './judge-demo.ts'
import { serviceRules } from './service-rules.ts'
import { waitForPods, waitForRules } from './wait-until-served.ts'

export type DemoOptions = {
  readonly mode?: string
  readonly json: boolean
  readonly keep: boolean
  readonly stateDir?: string
}

const NODES = 2
const REQUESTS = 300
const TIMEOUT = 30_000
const MANIFEST = fileURLToPath(new URL('../../../examples/my-service.yaml', import.meta.url))

/** Resolves with whether it passed. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const mode = options.mode ?? DEFAULT_MODE
  requireKnownModeOrAutomatic(mode)
  const progress = createProgress(process.stderr, systemClock)
  const signal = stopSignal()
  const box = options.keep ? await keptBox(options, mode, progress) : await passingBox({ mode, progress, signal })
  let report: DemoReport
  try {
    report = await demonstrate({ ...box, progress, clock: systemClock, signal })
  } catch (error) {
    progress.fail()
    throw error
  } finally {
    await box.stop()
  }
  process.stdout.write(options.json ? `${demoJson(report)}\n` : formatDemo(report))
  if (options.keep && !options.json) {
    process.stdout.write(
      `The box stays up; export KUBECONFIG=${box.record.kubeconfig ?? ''}; end it with: signalbox down\n`,
    )
  }
  return report.judgement.passed
}

type DemoBox = { readonly record: BoxRecord; readonly client: ApiClient; readonly stop: () => Promise<void> }

async function keptBox(options: DemoOptions, mode: string, progress: Progress): Promise<DemoBox> {
  const box = await startDetached({ stateDir: prepareStateDir(options.stateDir), mode, nodes: NODES, progress })
  return { ...box, stop: () => Promise.resolve() }
}

type PassingBox = { readonly mode: string; readonly progress: Progress; readonly signal: AbortSignal }

/** Keeps its state on its own tmpfs: nothing of it is ever on the host's disk. */
async function passingBox({ mode, progress, signal }: PassingBox): Promise<DemoBox> {
  return startBox({
    config: { mode, nodes: NODES, upstreams: [] },
    progress,
    clock: systemClock,
    logger: createLogger('supervisor'),
    signal,
  })
}

type Demonstration = Omit<DemoBox, 'stop'> & Omit<PassingBox, 'mode'> & { readonly clock: Clock }

async function demonstrate(demo: Demonstration): Promise<DemoReport> {
  const { client, clock, progress, record, signal } = demo
  progress.step('applying examples/my-service.yaml')
  const applied = await applyObjects(client, [...readManifests([MANIFEST]), CLIENT_POD])
  const service = applied.find(({ object }) => object.kind === 'Service')?.object as Service
  const pods = applied.flatMap(({ object }) => (object.kind === 'Pod' ? [object.metadata.name] : []))

  progress.step(`waiting for ${pods.length} pods and the node's rules`)
  const ready = await waitForPods({ client, clock, names: pods, timeout: TIMEOUT, signal })
  const clientNode = ready.find((pod) => pod.metadata.name === CLIENT_POD.metadata.name)?.spec.nodeName ?? ''
  const backends = pods.length - 1
  await waitForRules({
    explain: async () => (await explainLive(demo, service)).explanation,
    endpoints: backends,
    clock,
    timeout: TIMEOUT,
    signal,
  })

  const url = `http://${service.metadata.name}:${service.spec.ports?.[0]?.port ?? 80}`
  progress.step(`sending ${REQUESTS} requests from pod ${CLIENT_POD.metadata.name} to ${url}`)
  const load = await sendRequests(record, url)

  progress.step('reading the rules back and explaining one request')
  const { explanation, rules } = await explainLive(demo, service, {
    name: service.metadata.name,
    addresses: Object.keys(load.addresses),
  })
  progress.done()
  const expected = Object.fromEntries(
    explanation.endpoints.map(({ pod, address, probability }) => [shortName(pod) ?? address, probability]),
  )
  return {
    mode: record.mode,
    service: {
      name: service.metadata.name,
      namespace: service.metadata.namespace ?? 'default',
      clusterIP: service.spec.clusterIP ?? '',
      port: service.spec.ports?.[0]?.port ?? 0,
      url,
    },
    requests: load.requests,
    answered: load.answered,
    pods: load.pods,
    judgement: judgeDemo({ requests: load.requests, answered: load.answered, byPod: load.pods, expected }),
    node: clientNode,
    rules: serviceRules(explanation, rules.rules),
    explanation,
  }
}

type NameAnswer = { readonly name: string; readonly addresses: readonly string[] }

async function explainLive(
  { client, record }: Demonstration,
  service: Service,
  name?: NameAnswer,
): Promise<{ explanation: Explanation; rules: Awaited<ReturnType<typeof rulesFromKernel>> }> {
  const objects = await objectsFromApi(client)
  const asked = { service: service.metadata.name, namespace: 'default', from: CLIENT_POD.metadata.name }
  const resolved = resolveQuestion(asked, objects, record.outside)
  const rules = await rulesFromKernel({
    family: resolved.family,
    onNode: onBoxNode(record, resolved.node),
    mode: record.mode,
  })
  const explanation = explainResolved({
    resolved,
    objects,
    rules,
    origin: 'live',
    ...(name === undefined ? {} : { name }),
  })
  return { explanation, rules }
}

type LoadSummary = {
  readonly requests: number
  readonly answered: number
  readonly pods: Readonly<Record<string, number>>
  readonly addresses: Readonly<Record<string, number>>
}

async function sendRequests(record: BoxRecord, url: string): Promise<LoadSummary> {
  const name = CLIENT_POD.metadata.name
  const pod = await findPod(record, name, 'default')
  if (pod === undefined) throw new SignalboxError('SBX_BOX_NO_SUCH_PLACE', `pod ${name} is not running`)
  const { argv, env } = enterPodOf(record, { pod, argv: requestLoadCommand([url, '--count', String(REQUESTS)]) })
  const [file, ...args] = argv
  const { stdout, stderr } = await runCommand(file, args, { timeout: 120_000, ...(env === undefined ? {} : { env }) })
  try {
    return JSON.parse(stdout) as LoadSummary
  } catch (cause) {
    throw new SignalboxError('SBX_DEMO_LOAD', `the client pod's requests could not be run: ${stderr.slice(0, 300)}`, {
      cause,
    })
  }
}

function shortName(pod: string | undefined): string | undefined {
  return pod?.slice(pod.indexOf('/') + 1)
}
