import { CaError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

/**
 * Runs a parser and renames what the byte layer refused (`malformed-der`), so that a caller learns
 * which message was broken. Every other error passes as it is.
 */
export function malformedAs<T>(code: ErrorCode, what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof CaError) || error.code !== 'malformed-der') throw error
    throw new CaError(code, `${what}: ${error.message}`, { cause: error })
  }
}
