import { fileURLToPath } from 'node:url'

/**
 * How this very program is started again, as another role: the same Node.js, the same flags, the same entry file. Works
 * from the TypeScript sources and from the compiled package alike.
 */
export function selfCommand(): readonly string[] {
  const entry = process.argv[1] ?? fileURLToPath(new URL('../cli/main.ts', import.meta.url))
  return [process.execPath, ...process.execArgv, entry]
}
