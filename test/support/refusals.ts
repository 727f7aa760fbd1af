import { CaError } from '../../src/errors.ts'
import type { ErrorCode } from '../../src/errors.ts'

/** The code with which `work` refuses; undefined when it does not. Anything else it throws is thrown on: a defect. */
export function refusalOf(work: () => unknown): ErrorCode | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof CaError) return error.code
    throw error
  }
  return undefined
}

/** `refusalOf` for a promise. */
export async function refusalOfAsync(work: () => Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work()
  } catch (error) {
    if (error instanceof CaError) return error.code
    throw error
  }
  return undefined
}

/**
 * Median of several runs, in milliseconds of this thread's processor time, which others on the machine do not lengthen:
 * for the bounds of the hostile corpus, and nothing else.
 */
export function medianMilliseconds(work: () => unknown, runs = 5): number {
  const times = Array.from({ length: runs }, () => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  })
  return times.sort((a, b) => a - b)[runs >> 1]!
}
