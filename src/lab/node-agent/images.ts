/**
 * What a container's image means here. There are no image layers: an image is the name of a built-in workload, or just a
 * label on a command of this machine's own file system.
 */
import { fileURLToPath } from 'node:url'

import type { Container } from '#api'

export type Image = {
  /** As ENTRYPOINT of an image: a container's `args` are appended, its `command` replaces it. */
  readonly entrypoint: readonly string[]
  /** As CMD of an image: used where the container has neither `command` nor `args`. */
  readonly defaultArgs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Image name without tag or digest → what it runs. */
export type ImageCatalog = Readonly<Record<string, Image>>

export type ResolvedCommand =
  | { readonly argv: readonly [string, ...string[]]; readonly env: Readonly<Record<string, string>> }
  | { readonly reason: 'ErrImagePull' | 'InvalidImageName'; readonly message: string }

/** The built-in workloads that need nothing from outside this folder. `signalbox/dns` is added by whoever has it. */
export function builtinImages(): ImageCatalog {
  const run = [process.execPath, '--disable-warning=ExperimentalWarning']
  return {
    'signalbox/echo': { entrypoint: [...run, workload('echo')] },
    // A client has the machine's tools and waits to be used.
    'signalbox/client': { entrypoint: ['sleep', 'infinity'] },
    'signalbox/pause': { entrypoint: ['sleep', 'infinity'] },
  }
}

/** The command that makes a pod send requests: see workloads/request-load.ts. */
export function requestLoadCommand(args: readonly string[]): readonly [string, ...string[]] {
  return [process.execPath, '--disable-warning=ExperimentalWarning', workload('request-load'), ...args]
}

export function resolveCommand(container: Container, images: ImageCatalog): ResolvedCommand {
  const name = container.image ?? ''
  const image = images[withoutTag(name)]
  const command = container.command ?? []
  const args = container.args ?? []
  if (image === undefined && command.length === 0) {
    const known = Object.keys(images).sort().join(', ')
    const message = `image "${name}" is not built in (${known}) and the container has no command to run instead`
    return name === '' ? { reason: 'InvalidImageName', message } : { reason: 'ErrImagePull', message }
  }
  const entrypoint = command.length > 0 ? command : (image?.entrypoint ?? [])
  const rest = command.length > 0 || args.length > 0 ? args : (image?.defaultArgs ?? [])
  const [file, ...others] = [...entrypoint, ...rest]
  if (file === undefined) return { reason: 'InvalidImageName', message: `image "${name}" has nothing to run` }
  return { argv: [file, ...others], env: image?.env ?? {} }
}

/** `registry:5000/a/b:tag@sha256:…` → `registry:5000/a/b` */
export function withoutTag(image: string): string {
  const [named = ''] = image.split('@', 1)
  const colon = named.lastIndexOf(':')
  return colon > named.lastIndexOf('/') ? named.slice(0, colon) : named
}

/** The same file name extension as this file: .ts from a checkout, .js from the package. */
function workload(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return fileURLToPath(new URL(`../workloads/${name}${extension}`, import.meta.url))
}
