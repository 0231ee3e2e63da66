/**
 * Holds src/ against layers.mjs: every import, type-only ones included, must go where the table allows and enter a
 * folder by its index; no cycles, no unreachable files, no tests or development packages in product code.
 *
 *   node architecture/check-layers.mjs [ROOT]     prints one line a violation; exit status 1 if there are any
 *
 * An own check rather than dependency-cruiser because that reads TypeScript through the compiler's JavaScript API,
 * which TypeScript 7 does not have (docs/adr/0006).
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { inert, layers, splitFolders } from './layers.mjs'

const IMPORT =
  /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
const BUILTINS = new Set(builtinModules)
/** Files that something other than an import starts. */
const ENTRIES = [/^src\/cli\/main\.ts$/, /^src\/lab\/workloads\/[^/]+\.ts$/, /\.worker\.ts$/]

/** @returns {string[]} one line a violation, sorted */
export function checkLayers(root) {
  const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const files = globSync('src/**/*.ts', { cwd: root }).sort()
  const problems = []
  const graph = new Map()
  for (const file of files) {
    const edges = []
    for (const specifier of importsOf(join(root, file))) {
      const target = resolveImport(root, file, specifier)
      if (target.file !== undefined) edges.push(target.file)
      problems.push(...judge({ file, specifier, target, packageJson }).map((text) => `${file}: ${text}`))
    }
    graph.set(file, edges)
  }
  problems.push(...findCycles(graph), ...findOrphans(graph))
  return problems.sort()
}

function importsOf(path) {
  const text = readFileSync(path, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3])
}

function resolveImport(root, file, specifier) {
  if (specifier.startsWith('#')) return { kind: 'folder', file: `src/${specifier.slice(1)}/index.ts` }
  if (specifier.startsWith('.')) {
    return { kind: 'relative', file: relative(root, resolve(root, dirname(file), specifier)).replaceAll('\\', '/') }
  }
  const name = specifier.replace(/^node:/, '')
  if (specifier.startsWith('node:') || BUILTINS.has(name))
    return { kind: 'builtin', name: name.replace(/\/promises$/, '') }
  return {
    kind: 'package',
    name: specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/'),
  }
}

/** `src/backends/iptables/x.ts` -> folder `backends`, room `backends/iptables`. */
function placeOf(file) {
  const parts = file.split('/')
  const folder = parts[1]
  const room = splitFolders.includes(folder) && parts.length > 3 ? `${folder}/${parts[2]}` : folder
  return { folder, room }
}

const isTest = (file) => /\.test\.ts$|\.shared\.ts$|\/testing\//.test(file)

function judge({ file, specifier, target, packageJson }) {
  const from = placeOf(file)
  const layer = layers[from.folder]
  if (layer === undefined) return [`folder src/${from.folder} is not in architecture/layers.mjs`]
  if (target.kind === 'builtin') {
    const allowed = [...inert, ...layer.builtins]
    return isTest(file) || allowed.includes('*') || allowed.includes(target.name)
      ? []
      : [`imports node:${target.name}, which ${from.folder} may not (architecture/layers.mjs, builtins)`]
  }
  if (target.kind === 'package') {
    if (target.name in (packageJson.dependencies ?? {})) return []
    if (target.name in (packageJson.devDependencies ?? {})) {
      return isTest(file) ? [] : [`imports ${target.name}, a development package, in product code`]
    }
    return [`imports ${target.name}, which package.json does not name`]
  }
  if (!target.file.startsWith('src/')) {
    return target.file.startsWith('package.json') ? [] : [`imports ${specifier}, outside src/`]
  }
  const to = placeOf(target.file)
  const problems = []
  if (!isTest(file) && isTest(target.file)) problems.push(`imports the test file ${target.file}`)
  if (to.room === from.room) {
    if (target.kind === 'folder')
      problems.push(`imports its own folder as ${specifier}; inside a folder imports are relative`)
    return problems
  }
  if (target.kind === 'relative') problems.push(`reaches into ${to.room} by a relative path; write '#${to.room}'`)
  if (to.folder === from.folder) {
    if (to.room !== `${to.folder}/shared`) problems.push(`imports its sibling ${to.room}`)
  } else if (!layer.imports.includes(to.folder)) {
    problems.push(
      `imports ${to.folder}, which ${from.folder} may not; allowed: ${layer.imports.join(', ') || 'nothing'}`,
    )
  }
  // What a room offers to other rooms' tests has an index of its own.
  const forTests = isTest(file) && target.file === `src/${to.room}/testing/index.ts`
  if (target.kind === 'folder' && target.file !== `src/${to.room}/index.ts` && !forTests) {
    problems.push(`enters ${to.room} past its index by ${specifier}`)
  }
  return problems
}

function findCycles(graph) {
  const problems = []
  const state = new Map()
  const path = []
  const visit = (file) => {
    if (state.get(file) === 'done' || !graph.has(file)) return
    if (state.get(file) === 'open') {
      problems.push(`import cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
      return
    }
    state.set(file, 'open')
    path.push(file)
    for (const next of graph.get(file)) visit(next)
    path.pop()
    state.set(file, 'done')
  }
  for (const file of graph.keys()) visit(file)
  return problems
}

function findOrphans(graph) {
  const reached = new Set()
  const visit = (file) => {
    if (reached.has(file) || !graph.has(file)) return
    reached.add(file)
    for (const next of graph.get(file)) visit(next)
  }
  for (const file of graph.keys()) {
    if (ENTRIES.some((entry) => entry.test(file))) visit(file)
  }
  return [...graph.keys()]
    .filter((file) => !reached.has(file) && !isTest(file))
    .map((file) => `${file}: nothing reaches this file from an entry point (src/cli/main.ts, workloads)`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
  if (!existsSync(join(root, 'src'))) {
    console.error(`no src/ in ${root}`)
    process.exit(2)
  }
  const problems = checkLayers(root)
  for (const problem of problems) console.error(problem)
  console.log(problems.length === 0 ? 'layers: clean' : `layers: ${problems.length} violation(s)`)
  process.exit(problems.length === 0 ? 0 : 1)
}
