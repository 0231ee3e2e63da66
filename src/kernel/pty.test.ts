import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { it } from 'node:test'

import { openPty } from './pty.ts'

it(
  'a pseudo-terminal is one for the program on it, and ends with it',
  { skip: existsSync('/dev/ptmx') ? false : 'no /dev/ptmx' },
  async () => {
    const pty = await openPty()
    pty.resize({ columns: 91, rows: 17 })
    const script = 'stty size; read line; echo "got $line"'
    const child = spawn('sh', ['-c', script], { stdio: [pty.slave, pty.slave, pty.slave] })
    pty.closeSlave()
    let text = ''
    pty.stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    pty.stream.write('keys\n')
    await new Promise((resolve) => pty.stream.once('close', resolve))
    assert.match(text, /17 91\r\n/)
    assert.match(text, /got keys\r\n/)
    child.kill()
    pty.close()
  },
)
