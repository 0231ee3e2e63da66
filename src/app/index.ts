/**
 * What the command line can ask for. Each is loaded when it is called: a box is eight processes of this program, and none
 * should read the sources of the other seven.
 */
type Operation = (...args: never[]) => unknown

function lazily<M extends Readonly<Record<K, Operation>>, K extends string>(
  load: () => Promise<M>,
  name: K,
): (...args: Parameters<M[K]>) => Promise<Awaited<ReturnType<M[K]>>> {
  return (...args) => load().then((module) => module[name](...args)) as Promise<Awaited<ReturnType<M[K]>>>
}

const boxStatusModule = () => import('./box/box-status.ts')
export const boxStatus = lazily(boxStatusModule, 'boxStatus')
export const formatBoxStatus = lazily(boxStatusModule, 'formatBoxStatus')
const enterBoxModule = () => import('./box/enter-box.ts')
export const execInPod = lazily(enterBoxModule, 'execInPod')
export const shellInto = lazily(enterBoxModule, 'shellInto')
export const runBoxInit = lazily(() => import('./box/run-box-init.ts'), 'runBoxInit')
export const runUp = lazily(() => import('./box/run-up.ts'), 'runUp')
export const stopBox = lazily(() => import('./box/stop-box.ts'), 'stopBox')
export const runDemo = lazily(() => import('./demo/run-demo.ts'), 'runDemo')
export const printLiveTables = lazily(() => import('./explain/print-live-tables.ts'), 'printLiveTables')
export const runExplain = lazily(() => import('./explain/run-explain.ts'), 'runExplain')
export const runExplainName = lazily(() => import('./explain/run-explain-name.ts'), 'runExplainName')
export const runRender = lazily(() => import('./render/run-render.ts'), 'runRender')
export const runApiServerRole = lazily(() => import('./roles/run-api-server-role.ts'), 'runApiServerRole')
export const runControllersRole = lazily(() => import('./roles/run-controllers-role.ts'), 'runControllersRole')
export const runDnsRole = lazily(() => import('./roles/run-dns-role.ts'), 'runDnsRole')
export const runLabNodeRole = lazily(() => import('./roles/run-lab-node-role.ts'), 'runLabNodeRole')
export const runNodeCacheRole = lazily(() => import('./roles/run-node-cache-role.ts'), 'runNodeCacheRole')
export const runProxyRole = lazily(() => import('./roles/run-proxy-role.ts'), 'runProxyRole')
