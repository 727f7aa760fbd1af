/** At most `longest` letters as people count them, so that no emoji and no accent is cut in two. */
export function shortened(text: string, longest: number): string {
  const letters: string[] = []
  for (const { segment } of new Intl.Segmenter().segment(text.slice(0, longest * 16))) {
    if (letters.length === longest) return `${letters.join('')}…`
    letters.push(segment)
  }
  return letters.join('').length < text.length ? `${letters.join('')}…` : letters.join('')
}
