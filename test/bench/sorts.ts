/** The orders that pages offer, from their own headings: what stands behind the address of each. */
export async function sortsIn(paths: readonly string[], read: (path: string) => Promise<string>): Promise<Map<string, string[]>> {
  const sorts = new Map<string, string[]>()
  for (const path of paths.filter(path => !path.includes(':'))) {
    const once = queriesIn(await read(path))
    // The heading that sorts now leads to the other direction; a second look finds the first ones of all.
    const twice = await Promise.all(once.map(async query => queriesIn(await read(`${path}?${query}`))))
    sorts.set(path, [...new Set([...once, ...twice.flat()])])
  }
  return sorts
}

const queriesIn = (page: string): string[] => [...page.matchAll(/<th [^>]*><a href="[^"?]*\?([^"]*sort=[^"]*)"/g)].map(match => match[1]!.replaceAll('&amp;', '&'))
