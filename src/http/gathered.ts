import { CaError } from '../errors.ts'
import { within } from './within.ts'

const mostUnderWay = 2
const mostTogether = 100
const mostWaiting = 10_000

type Waiting<Key, Value> = { key: Key, resolve(value: Value | undefined): void, reject(error: unknown): void, promise: Promise<Value | undefined> }

/**
 * Reads what many ask for at once in few statements: whoever comes in the same turn of the event loop, or while two are under
 * way, goes together. Nobody is given what was read before they asked.
 *
 * @param read  answers what there is, in any order
 * @param nameOfKey  the same as `nameOf` of its value
 * @param longestMs  when nobody waits for a statement any more, and others are tried
 * @throws {CaError} database-unavailable, at once, when too many wait
 */
export function gathered<Key, Value>(read: (keys: readonly Key[]) => Promise<readonly Value[]>, nameOfKey: (key: Key) => string, nameOf: (value: Value) => string, longestMs: number): (key: Key) => Promise<Value | undefined> {
  const waiting = new Map<string, Waiting<Key, Value>>()
  let underWay = 0
  let isDue = false
  const readSoon = (): void => {
    if (isDue || waiting.size === 0 || underWay === mostUnderWay) return
    isDue = true
    setImmediate(() => {
      isDue = false
      void readNext()
    })
  }
  const readNext = async (): Promise<void> => {
    const batch = [...waiting.entries().take(mostTogether)]
    for (const [name] of batch) waiting.delete(name)
    underWay++
    try {
      const found = new Map((await within(longestMs, read(batch.map(([, { key }]) => key)))).map(value => [nameOf(value), value]))
      for (const [name, { resolve }] of batch) resolve(found.get(name))
    } catch (error) {
      for (const [, { reject }] of batch) reject(error)
    } finally {
      underWay--
      readSoon()
    }
  }
  return async key => {
    const name = nameOfKey(key)
    const before = waiting.get(name)
    if (before !== undefined) return await before.promise
    if (waiting.size >= mostWaiting) throw new CaError('database-unavailable', 'too much is waiting for the database')
    const entry = { key, ...Promise.withResolvers<Value | undefined>() }
    waiting.set(name, entry)
    readSoon()
    return await entry.promise
  }
}
