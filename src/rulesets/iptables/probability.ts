/**
 * What a `--probability` was meant to be. kube-proxy writes 1/n with ten decimals, iptables keeps a multiple of 2^-31, and
 * iptables-save prints eleven decimals of that: 1/3 comes back as 0.33333333349. Within the sum of those roundings, in
 * whichever direction, 1/n is the simplest fraction for every n up to 30,000: the intention can be told from the number.
 */
import { fraction, simplestFractionNear, type Fraction } from '#lib'

const TEN_DECIMALS = 0.5e-10
const KERNEL_UNIT = 1 / 2 ** 31
const ELEVEN_DECIMALS = 0.5e-11
const ROUNDING = TEN_DECIMALS + KERNEL_UNIT + ELEVEN_DECIMALS

const known = new Map<number, Fraction>()
/** Endpoint counts repeat; a ruleset made of nothing but distinct numbers must not grow this for ever. */
const KEPT = 10_000

export function intendedProbability(printed: number): Fraction {
  // Both ends are exact in the kernel: never, and always.
  if (printed <= 0) return fraction(0n)
  if (printed >= 1) return fraction(1n)
  const before = known.get(printed)
  if (before !== undefined) return before
  const intended = simplestFractionNear(printed, ROUNDING)
  if (known.size >= KEPT) known.clear()
  known.set(printed, intended)
  return intended
}
