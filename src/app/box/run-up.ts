/** `signalbox up`: a box that stays, in the foreground until Ctrl-C, or behind a supervisor of its own with --detach. */
import { SignalboxError, systemClock } from '#lib'

import { applyObjects } from '../apply-objects.ts'
import { createLogger } from '../create-logger.ts'
import type { Progress } from '../progress.ts'
import { createProgress } from '../progress.ts'
import { readManifests } from '../read-manifests.ts'
import { DEFAULT_MODE, requireKnownModeOrAutomatic } from '../modes.ts'
import { stopSignal, untilStopped } from '../stop-signal.ts'
import type { BoxRecord } from './box-record.ts'
import { prepareStateDir } from './box-record.ts'
import { startDetached } from './start-detached.ts'
import { startBox } from './start-box.ts'

export type UpOptions = {
  readonly mode?: string
  readonly nodes: number
  readonly stateDir?: string
  readonly detach: boolean
  readonly files: readonly string[]
  readonly json: boolean
}

export async function runUp(options: UpOptions): Promise<void> {
  const mode = options.mode ?? DEFAULT_MODE
  requireKnownModeOrAutomatic(mode)
  // Read first: a manifest that does not parse should not cost a box.
  const objects = readManifests(options.files)
  const stateDir = prepareStateDir(options.stateDir)
  const progress = createProgress(process.stderr, systemClock)
  if (options.detach) {
    const box = await startDetached({ stateDir, mode, nodes: options.nodes, progress })
    await applyAll(box.client, { objects, progress })
    print(box.record, options.json)
    return
  }
  const signal = stopSignal()
  const box = await startBox({
    config: { mode, nodes: options.nodes, stateDir, upstreams: [] },
    progress,
    clock: systemClock,
    logger: createLogger('supervisor'),
    signal,
    stderr: 'inherit',
  })
  try {
    await applyAll(box.client, { objects, progress })
    print(box.record, options.json)
    if (!options.json) process.stdout.write('Ctrl-C ends it\n')
    // A detached supervisor's starter waits for this line.
    process.send?.({ type: 'up' })
    const ended = await Promise.race([untilStopped(signal).then(() => false), box.ended.then(() => true)])
    if (ended) throw new SignalboxError('SBX_BOX_FAILED', 'the box ended on its own')
  } finally {
    await box.stop()
  }
}

type ApplyAll = { readonly objects: ReturnType<typeof readManifests>; readonly progress: Progress }

async function applyAll(client: Parameters<typeof applyObjects>[0], { objects, progress }: ApplyAll): Promise<void> {
  if (objects.length === 0) return
  progress.step(`applying ${objects.length} objects`)
  await applyObjects(client, objects)
  progress.done()
}

function print(record: BoxRecord, json: boolean): void {
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ kubeconfig: record.kubeconfig, mode: record.mode, nodes: record.nodes, relays: record.relays, stateDir: record.stateDir })}\n`,
    )
    return
  }
  const api = record.relays.find((relay) => relay.name === 'api')
  process.stdout.write(
    [
      `the box is up: ${record.nodes.length} nodes, ${record.mode} mode, API at https://${api?.listen ?? ''}`,
      `export KUBECONFIG=${record.kubeconfig ?? ''}`,
      '',
    ].join('\n'),
  )
}
