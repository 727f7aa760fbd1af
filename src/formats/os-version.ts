/**
 * A version of iOS and its siblings as Apple writes it: `17.4.1`, `16.5.1 (a)` for a Rapid Security
 * Response, `26.4 beta 3` or `18.3 RC` for what came before the release.
 */
export type OsVersion = { readonly numbers: readonly number[], readonly response: string, readonly beforeRelease: boolean }

const shape = /^(\d{1,3}(?:\.\d{1,4}){0,3})(?: \(([a-z])\)| ((?:beta|RC|GM|InternalUI)[A-Za-z0-9 .-]{0,24}))?$/

/** @returns undefined when the text is not a version */
export function parseOsVersion(text: string): OsVersion | undefined {
  const match = shape.exec(text)
  if (match === null) return undefined
  return {
    numbers: match[1]!.split('.').map(Number),
    response: match[2] ?? '',
    beforeRelease: match[3] !== undefined,
  }
}

/**
 * Negative when `a` is older. `17.4` equals `17.4.0`; everything before a release is older than the
 * release, and among itself equal, because nobody writes a rule about the third beta.
 */
export function compareOsVersions(a: OsVersion, b: OsVersion): number {
  for (let i = 0; i < Math.max(a.numbers.length, b.numbers.length); i++) {
    const difference = (a.numbers[i] ?? 0) - (b.numbers[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.beforeRelease !== b.beforeRelease) return a.beforeRelease ? -1 : 1
  return a.response < b.response ? -1 : a.response > b.response ? 1 : 0
}
