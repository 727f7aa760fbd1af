/**
 * Apple's build number, `20A362`: major, a capital letter that follows the minor version, a number,
 * and for seeds and a few oddities a small letter.
 */
export type BuildNumber = { readonly major: number, readonly letter: string, readonly number: number, readonly suffix: string }

const shape = /^([1-9]\d?)([A-Z])(\d{1,8})([a-z]?)$/

/** @returns undefined when the text is not a build number; whether it exists is the catalogue's to say */
export function parseBuild(text: string): BuildNumber | undefined {
  const match = shape.exec(text)
  if (match === null) return undefined
  return { major: Number(match[1]), letter: match[2]!, number: Number(match[3]), suffix: match[4]! }
}

/**
 * Order of two build numbers, for lists. What is no build number comes first, in the order of its text.
 *
 * It is the order of the text's parts and not that of release: a seed (`20A5283p`) is older than the
 * release it leads to (`20A362`) and sorts behind it. Versions are compared with `compareOsVersions`.
 */
export function compareBuilds(a: string, b: string): number {
  const left = parseBuild(a)
  const right = parseBuild(b)
  if (left === undefined || right === undefined) {
    return Number(left !== undefined) - Number(right !== undefined) || compareText(a, b)
  }
  return left.major - right.major || compareText(left.letter, right.letter)
    || left.number - right.number || compareText(left.suffix, right.suffix)
}

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
