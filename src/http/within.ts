import { CaError } from '../errors.ts'

/** Waits no longer than this for the database. @throws {CaError} database-unavailable */
export async function within<T>(longestMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => { reject(new CaError('database-unavailable', 'the database did not answer in time')) }, longestMs)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {}) // nobody waits for it any more
  }
}
