/**
 * Prints the closing line of script/test from the sums that each suite appended; a check or suite that broke without
 * counting a failure (a type error, a crash) counts as one, so that the line never says 0 failed when something did.
 */
import { readFileSync } from 'node:fs'

const [file, brokenText] = process.argv.slice(2)
const sums = new Map()
for (const line of readFileSync(file, 'utf8').trim().split('\n').filter(Boolean)) {
  const { suite, ...counts } = JSON.parse(line)
  const sum = sums.get(suite) ?? { passed: 0, failed: 0, skipped: 0 }
  for (const key of Object.keys(sum)) sum[key] += counts[key]
  sums.set(suite, sum)
}
const total = (key) => [...sums.values()].reduce((all, sum) => all + sum[key], 0)
for (const [suite, { passed, failed, skipped }] of sums) {
  console.log(`${suite}: ${passed} passed, ${failed} failed, ${skipped} skipped`)
}
const broken = Number(brokenText)
const failed = Math.max(total('failed'), broken)
console.log(`${total('passed')} passed, ${failed} failed, ${total('skipped')} skipped`)
process.exit(failed === 0 && broken === 0 && total('passed') > 0 ? 0 : 1)
