/**
 * The files that are a pod's own on an otherwise shared file system, and the mounts that put them there: /etc/resolv.conf,
 * /etc/hosts, /etc/hostname, a private /tmp, and a /run of its own. /run must be private: the sandbox keeps its runtime
 * files there, other pods' tokens among them, and the host's resolver sockets would answer instead of the cluster's DNS.
 *
 * Everything is made below one folder of the pod, which the last step removes whole.
 */
import { access, cp, mkdir, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { canonicalTarget } from './canonical-target.ts'

export type ServiceAccountFiles = { readonly token: string; readonly caCertificate: string }

export type PodRoot = {
  /** The pod's own folder, empty. */
  readonly folder: string
  readonly namespace: string
  readonly hostname: string
  readonly hosts: string
  /** Undefined: the host's own stays. */
  readonly resolvConf: string | undefined
  readonly serviceAccount: ServiceAccountFiles | undefined
  /** Directories that stay visible although they lie below /tmp or /run: this program's own, for instance. */
  readonly visible: readonly string[]
}

/** `source` is mounted over `target`; both are directories or both are files. */
export type BindMount = { readonly source: string; readonly target: string }

const SERVICE_ACCOUNT = 'secrets/kubernetes.io/serviceaccount'

/** Mounts in the order in which they must be made. */
export async function preparePodRoot(root: PodRoot): Promise<readonly BindMount[]> {
  const run = join(root.folder, 'run')
  const tmp = join(root.folder, 'tmp')
  await mkdir(join(run, 'lock'), { recursive: true, mode: 0o755 })
  await mkdir(tmp, { mode: 0o1777 })
  const kept = await keepVisible(root.visible, { '/tmp': tmp, '/run': run })
  const files = await etcFiles(root, run)
  const account = await serviceAccount(root, run)
  return [...kept, ...files, ...account, { source: tmp, target: '/tmp' }, { source: run, target: '/run' }]
}

async function keepVisible(
  paths: readonly string[],
  hidden: Readonly<Record<string, string>>,
): Promise<readonly BindMount[]> {
  const mounts: BindMount[] = []
  for (const path of paths) {
    for (const [top, replacement] of Object.entries(hidden)) {
      if (!path.startsWith(`${top}/`)) continue
      const target = join(replacement, path.slice(top.length + 1))
      await mkdir(target, { recursive: true })
      mounts.push({ source: path, target })
    }
  }
  return mounts
}

async function etcFiles(root: PodRoot, run: string): Promise<readonly BindMount[]> {
  const contents = { hosts: root.hosts, hostname: `${root.hostname}\n`, 'resolv.conf': root.resolvConf }
  const mounts: BindMount[] = []
  const absent: string[] = []
  for (const [name, content] of Object.entries(contents)) {
    if (content === undefined) continue
    const source = join(root.folder, name)
    await writeFile(source, content, { mode: 0o644 })
    const target = await canonicalTarget(join('/etc', name))
    if (target.startsWith('/run/')) {
      // A symlink into /run (systemd-resolved): the pod's own /run has the file itself.
      const inside = join(run, target.slice('/run/'.length))
      await mkdir(dirname(inside), { recursive: true })
      await writeFile(inside, content, { mode: 0o644 })
    } else if (await exists(target)) {
      mounts.push({ source, target })
    } else if (name !== 'hostname') {
      // Nobody reads /etc/hostname where there is none: the kernel knows the name.
      absent.push(name)
    }
  }
  return absent.length === 0 ? mounts : [...mounts, ...(await replaceEtc(root.folder, { absent, run }))]
}

/** A mount needs something to cover, and /etc may be read-only: a folder of links to its entries takes its place. */
async function replaceEtc(
  folder: string,
  { absent, run }: { readonly absent: readonly string[]; readonly run: string },
): Promise<readonly BindMount[]> {
  const etc = join(folder, 'etc')
  const original = join(run, 'host-etc')
  await Promise.all([mkdir(etc), mkdir(original)])
  for (const entry of await readdir('/etc', { withFileTypes: true })) {
    if (absent.includes(entry.name)) continue
    // Links stay as they are: a relative one would lead elsewhere from the folder that holds the originals.
    const leadsTo = entry.isSymbolicLink() ? await readlink(join('/etc', entry.name)) : `/run/host-etc/${entry.name}`
    await symlink(leadsTo, join(etc, entry.name))
  }
  for (const name of absent) await cp(join(folder, name), join(etc, name))
  return [
    { source: '/etc', target: original },
    { source: etc, target: '/etc' },
  ]
}

async function serviceAccount(root: PodRoot, run: string): Promise<readonly BindMount[]> {
  if (root.serviceAccount === undefined) return []
  const varRun = await canonicalTarget('/var/run')
  const own = varRun === '/run' ? run : join(root.folder, 'var-run')
  const folder = join(own, SERVICE_ACCOUNT)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'token'), root.serviceAccount.token, { mode: 0o600 })
  await writeFile(join(folder, 'ca.crt'), root.serviceAccount.caCertificate, { mode: 0o644 })
  await writeFile(join(folder, 'namespace'), root.namespace, { mode: 0o644 })
  return varRun === '/run' || !(await exists(varRun)) ? [] : [{ source: own, target: varRun }]
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
