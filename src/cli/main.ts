/** The command line: names, options and exit codes. What a command does lives in `app`. */
import { buildProgram } from './build-program.ts'
import { exitWith } from './exit-codes.ts'

try {
  await buildProgram().parseAsync(process.argv)
} catch (error) {
  exitWith(error)
}
