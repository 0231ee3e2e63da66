import { readFileSync } from 'node:fs'

import { Command } from 'commander'

export function versionCommand(): Command {
  return new Command('version')
    .description('print the version of Signalbox and of the Node.js it runs on')
    .option('--json', 'one JSON object')
    .action((options: { json?: boolean }) => {
      const facts = {
        signalbox: packageVersion(),
        node: process.versions.node,
        platform: `${process.platform}/${process.arch}`,
      }
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(facts)}\n`
          : `signalbox ${facts.signalbox} (Node.js ${facts.node}, ${facts.platform})\n`,
      )
    })
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
