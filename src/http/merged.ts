import { isLoss } from './answer-watch.ts'

const mostUnderWay = 2
const mostTogether = 100

type Waiting<Item> = { item: Item, resolve(): void, reject(error: unknown): void }

/**
 * Writes what many hand over at once in few goes: whoever comes while two are under way goes with the next one. When one
 * fails each is written by itself, so that what is wrong with one is nobody else's failure.
 *
 * @param write  all of them or none
 */
export function merged<Item>(write: (items: readonly Item[]) => Promise<void>): (item: Item) => Promise<void> {
  const waiting: Waiting<Item>[] = []
  let underWay = 0
  const writeEach = async (entries: readonly Waiting<Item>[]): Promise<void> => {
    for (const { item, resolve, reject } of entries) await write([item]).then(resolve, reject)
  }
  const writeNext = async (): Promise<void> => {
    const entries = waiting.splice(0, mostTogether)
    underWay++
    try {
      await write(entries.map(({ item }) => item))
      for (const { resolve } of entries) resolve()
    } catch (error) {
      if (isLoss(error)) for (const { reject } of entries) reject(error)
      else await writeEach(entries)
    } finally {
      underWay--
      if (waiting.length > 0) void writeNext()
    }
  }
  return async item => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    waiting.push({ item, resolve, reject })
    if (underWay < mostUnderWay) void writeNext()
    await promise
  }
}
