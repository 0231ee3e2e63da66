/** The errors of netlink that are told apart (asm-generic/errno-base.h, errno.h). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  E2BIG: 7,
  EAGAIN: 11,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  EMLINK: 31,
  ELOOP: 40,
  ERESTART: 85,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  ENOBUFS: 105,
} as const

export function errnoName(errno: number): string {
  return Object.entries(ERRNO).find(([, code]) => code === errno)?.[0] ?? `errno ${errno}`
}
