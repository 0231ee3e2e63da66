/**
 * Prints the closing line of script/test from the sums that each suite appended; a check or suite that broke without
 * counting a failure (a type error, a crash) counts as one, so that the line never says 0 failed when something did.
 */
import { readFileSync } from 'node:fs'

const [file, brokenText] = process.argv.slice(2)
const suites = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
const sum = (key) => suites.reduce((total, suite) => total + suite[key], 0)
for (const { suite, passed, failed, skipped } of suites) {
  console.log(`${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}
const broken = Number(brokenText)
const failed = Math.max(sum('failed'), broken)
console.log(`${sum('passed')} passed, ${failed} failed, ${sum('skipped')} skipped`)
process.exit(failed === 0 && broken === 0 && sum('passed') > 0 ? 0 : 1)
