/** Longest pattern and longest text that are compared at all; they bound the work. */
export const maxWildcardLength = 64

export const isWildcard = (pattern: string): boolean => pattern.includes('*') || pattern.includes('?')

/**
 * Whether the whole text fits the pattern: `*` is any run of characters, also none, `?` exactly one,
 * everything else itself, case included.
 *
 * Never a regular expression: a pattern is typed by an admin and the text by a phone, and together
 * they must not be able to cost time. Only the last `*` is ever tried again, so no step is repeated
 * more often than the pattern is long.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  if (pattern.length > maxWildcardLength || text.length > maxWildcardLength) return false
  let p = 0
  let t = 0
  let star = -1
  let starText = 0
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      starText = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++starText
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
