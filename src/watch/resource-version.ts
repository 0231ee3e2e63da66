/** Resource versions compare as decimal integers of any length (apimachinery util/resourceversion, api-server.md 7.3.7). */
export function isOlder(a: string, b: string): boolean {
  if (!/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) return false
  return a.length === b.length ? a < b : a.length < b.length
}
