const longestSeconds = 5

/** How long a cache may keep a list: short, so that it adds little to the time a revocation takes, and never up to nextUpdate. */
export function maxAgeSeconds(nextUpdate: Date, now: Date): number {
  return Math.max(0, Math.min(longestSeconds, Math.floor((nextUpdate.getTime() - now.getTime()) / 2000)))
}
