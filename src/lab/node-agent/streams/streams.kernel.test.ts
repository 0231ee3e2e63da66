/** exec and attach on pods of a real agent, through a WebSocket as kubectl opens it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import type { Pod } from '#api'
import { PODS } from '#api'
import { configureNetns, listProcesses } from '#kernel'
import { silentLogger, systemClock } from '#lib'
import { createFakeApi } from '#watch'

import { hostSysctls } from '../../build-network.ts'
import { builtinImages } from '../images.ts'
import { runNodeAgent } from '../run-node-agent.ts'
import { eventually } from '../testing/eventually.ts'
import { StreamOpener } from '../testing/spdy-frames.ts'

const { client } = createFakeApi({ clock: systemClock })
const stop = new AbortController()
const TOKEN = 'secret-token'
let agent: Promise<void>

before(async () => {
  const ready = Promise.withResolvers<void>()
  await configureNetns({ sysctls: hostSysctls(true), lines: ['addr add 172.18.0.11/32 dev lo'] })
  agent = runNodeAgent({
    client,
    node: {
      name: 'node-1',
      addresses: ['172.18.0.11'],
      podCidrs: ['10.244.1.0/24'],
      podGateways: ['10.244.1.1'],
    },
    runtimeDir: await mkdtemp('/run/signalbox-'),
    images: builtinImages(),
    dns: { address: '10.96.0.10', domain: 'cluster.local' },
    visible: [dirname(process.execPath), fileURLToPath(new URL('../..', import.meta.url))],
    token: TOKEN,
    onReady: ready.resolve,
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
  })
  await ready.promise
  await runPod('plain', {})
  await runPod('interactive', { command: ['cat'], stdin: true, stdinOnce: true })
  const listen = "require('net').createServer((s) => s.end('from the loopback')).listen(9000, '127.0.0.1')"
  await runPod('lonely', { command: [process.execPath, '-e', listen] })
  await runPod('terminal', { command: ['sh'], stdin: true, tty: true })
})

after(async () => {
  stop.abort(new Error('test over'))
  await agent
})

async function runPod(name: string, container: object): Promise<void> {
  await client.create<Pod>(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'signalbox/client', ...container }],
    },
  } as Pod)
  await eventually(`${name} runs`, async () => {
    const pod = await client.get<Pod>(PODS, { namespace: 'default', name })
    return pod.status?.containerStatuses?.[0]?.state?.running === undefined ? undefined : true
  })
}

type Remote = {
  readonly out: string[]
  readonly err: string[]
  readonly status: {
    readonly status?: string
    readonly message?: string
    readonly details?: { readonly causes: readonly { message: string }[] }
  }
  send(channel: number, data: string | readonly number[]): void
  close(): void
  readonly closed: Promise<number>
}

async function open(path: string, protocol = 'v5.channel.k8s.io'): Promise<Remote> {
  const init = { protocols: [protocol], headers: { Authorization: `Bearer ${TOKEN}` } }
  const socket = new WebSocket(`ws://172.18.0.11:10250${path}`, init as unknown as string[])
  socket.binaryType = 'arraybuffer'
  const remote = { out: [] as string[], err: [] as string[], status: {} }
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<number>()
  socket.addEventListener('message', ({ data }) => {
    const bytes = Buffer.from(data as ArrayBuffer)
    const text = bytes.subarray(1).toString()
    if (bytes[0] === 1) remote.out.push(text)
    else if (bytes[0] === 2) remote.err.push(text)
    else remote.status = JSON.parse(text) as object
    opened.resolve()
  })
  socket.addEventListener('close', ({ code }) => {
    closed.resolve(code)
    opened.reject(new Error(`closed with ${code} before it was open`))
  })
  await opened.promise
  return {
    out: remote.out,
    err: remote.err,
    get status() {
      return remote.status
    },
    send: (channel, data) => socket.send(Buffer.concat([Uint8Array.of(channel), Buffer.from(data as string)])),
    close: () => socket.close(),
    closed: closed.promise,
  }
}

const command = (...words: string[]): string => words.map((word) => `command=${encodeURIComponent(word)}`).join('&')

test('exec keeps output and errors apart and tells the exit code', async () => {
  const script = command('sh', '-c', 'echo out; echo err >&2; hostname; exit 7')
  const remote = await open(`/exec/default/plain/main?output=1&error=1&${script}`)
  assert.equal(await remote.closed, 1000)
  assert.equal(remote.out.join(''), 'out\nplain\n')
  assert.equal(remote.err.join(''), 'err\n')
  assert.equal(remote.status.status, 'Failure')
  assert.equal(remote.status.details?.causes[0]?.message, '7')
})

test('exec passes input on, and its end, which only version 5 can tell', async () => {
  const remote = await open(`/exec/default/plain/main?input=1&output=1&${command('sort')}`)
  remote.send(0, 'b\n')
  remote.send(0, 'a\n')
  remote.send(255, [0])
  await remote.closed
  assert.equal(remote.out.join(''), 'a\nb\n')
  assert.equal(remote.status.status, 'Success')
})

test('exec on a terminal has its size and job control, and follows a resize', async () => {
  const remote = await open(`/exec/default/plain/main?input=1&output=1&tty=1&${command('sh')}`)
  remote.send(4, '{"Width":100,"Height":33}')
  remote.send(0, 'stty size; tty; echo $TERM\n')
  await eventually('the first size', async () =>
    /33 100\r\n\/dev\/pts\/\d+\r\nxterm/.test(remote.out.join('')) ? true : undefined,
  )
  remote.send(4, '{"Width":90,"Height":20}')
  remote.send(0, 'stty size\n')
  await eventually('the second size', async () => (/20 90/.test(remote.out.join('')) ? true : undefined))
  remote.send(0, 'exit 3\n')
  await remote.closed
  assert.equal(remote.status.details?.causes[0]?.message, '3')
})

test('what exec started ends with the connection', async () => {
  for (const [seconds, tty] of [
    ['4711', ''],
    ['4712', '&tty=1'],
  ] as const) {
    const remote = await open(`/exec/default/plain/main?input=1&output=1${tty}&${command('sleep', seconds)}`)
    const running = async (): Promise<boolean> => {
      const entries = await listProcesses()
      const { readFile } = await import('node:fs/promises')
      const lines = await Promise.all(
        entries.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
      )
      return lines.some((line) => line === `sleep\0${seconds}\0`)
    }
    await eventually(`sleep ${seconds} runs`, async () => ((await running()) ? true : undefined))
    remote.close()
    await eventually(`sleep ${seconds} is gone`, async () => ((await running()) ? undefined : true))
  }
})

test('exec of a program that is not there says so', async () => {
  const remote = await open(`/exec/default/plain/main?output=1&${command('nonesuch')}`)
  await remote.closed
  assert.match(remote.status.message ?? '', /exec: "nonesuch": executable file not found in \$PATH/)
})

test('attach meets the main process: input, output, and its end with stdinOnce', async () => {
  const remote = await open('/attach/default/interactive/main?input=1&output=1&error=1')
  remote.send(0, 'hello\n')
  await eventually('the echo', async () => (remote.out.join('') === 'hello\n' ? true : undefined))
  remote.send(255, [0])
  assert.equal(await remote.closed, 1000)
  assert.equal(remote.status.status, 'Success')
  await eventually('the pod is over', async () => {
    const pod = await client.get<Pod>(PODS, { namespace: 'default', name: 'interactive' })
    return pod.status?.phase === 'Succeeded' ? true : undefined
  })
})

test('attach to a terminal can leave it and come back', async () => {
  const first = await open('/attach/default/terminal/main?input=1&output=1&tty=1')
  first.send(0, 'X=kept; echo $X-1\n')
  await eventually('output', async () => (/kept-1/.test(first.out.join('')) ? true : undefined))
  first.close()
  await first.closed
  const second = await open('/attach/default/terminal/main?input=1&output=1&tty=1', 'v4.channel.k8s.io')
  second.send(0, 'echo $X-2; exit\n')
  await second.closed
  assert.match(second.out.join(''), /kept-2/)
})

test('port-forward reaches what listens on the loopback only, and says what it cannot reach', async () => {
  const received = new Map<number, string>()
  let pending = Buffer.alloc(0)
  const socket = connect({ host: '172.18.0.11', port: 10_250 })
  const head = [
    'POST /portForward/default/lonely HTTP/1.1',
    'Host: node-1',
    `Authorization: Bearer ${TOKEN}`,
    'Connection: Upgrade',
    'Upgrade: SPDY/3.1',
    'X-Stream-Protocol-Version: portforward.k8s.io',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const [first] = (await once(socket, 'data')) as [Buffer]
  assert.match(first.toString(), /^HTTP\/1\.1 101 [\s\S]*X-Stream-Protocol-Version: portforward\.k8s\.io\r\n\r\n$/)
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 8 && pending.length >= 8 + pending.readUIntBE(5, 3)) {
      const end = 8 + pending.readUIntBE(5, 3)
      const id = pending.readUInt32BE(0)
      if (id < 0x8000_0000)
        received.set(id, (received.get(id) ?? '') + pending.toString('utf8', 8, end) + (pending[4] === 1 ? '$' : ''))
      pending = pending.subarray(end)
    }
  })
  const opener = new StreamOpener()
  const request = async (id: number, port: string): Promise<void> => {
    const headers = { port, requestid: String(id) }
    socket.write(await opener.synStream(id, { ...headers, streamtype: 'error' }, 1))
    socket.write(await opener.synStream(id + 2, { ...headers, streamtype: 'data' }))
  }
  // The helper inside the pod takes a moment; the listener may as well.
  await eventually('an answer', async () => {
    const id = 1 + 4 * received.size
    received.set(id + 2, '')
    await request(id, '9000')
    await new Promise((resolve) => setTimeout(resolve, 300))
    return [...received.values()].includes('from the loopback$') ? true : undefined
  })
  await request(4001, '9001')
  await eventually('the refusal', async () => (received.get(4001)?.endsWith('$') === true ? true : undefined))
  assert.match(received.get(4001) ?? '', /^error forwarding port 9001 to pod lonely: .*localhost:9001.*ECONNREFUSED/)
  assert.equal(received.get(4003), '$')
  socket.destroy()
})

test('a bad token, an unknown pod and an unknown protocol are refused before anything starts', async () => {
  await assert.rejects(open('/exec/default/nobody/main?output=1&command=ls'))
  await assert.rejects(open('/exec/default/plain/nobody?output=1&command=ls'))
  await assert.rejects(open('/exec/default/plain/main?output=1'))
  await assert.rejects(open('/exec/default/plain/main?output=1&command=ls', 'v1.channel.k8s.io'))
})
