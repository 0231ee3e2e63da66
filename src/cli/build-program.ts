import { Command } from 'commander'

import { demoCommand } from './commands/demo.ts'
import { downCommand } from './commands/down.ts'
import { execCommand } from './commands/exec.ts'
import { explainCommand } from './commands/explain.ts'
import { renderCommand } from './commands/render.ts'
import { roleCommands } from './commands/roles.ts'
import { shellCommand } from './commands/shell.ts'
import { statusCommand } from './commands/status.ts'
import { upCommand } from './commands/up.ts'
import { versionCommand } from './commands/version.ts'

export function buildProgram(): Command {
  const program = new Command('signalbox')
    .description('Kubernetes Services, end to end, with the hood open')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(signalbox COMMAND --help tells more)')
  const commands = [
    demoCommand(),
    upCommand(),
    downCommand(),
    statusCommand(),
    execCommand(),
    shellCommand(),
    renderCommand(),
    explainCommand(),
    ...roleCommands(),
    versionCommand(),
  ]
  for (const command of commands) program.addCommand(command.exitOverride())
  return program
}
