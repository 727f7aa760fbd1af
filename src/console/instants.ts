import { CaError } from '../errors.ts'

/** The last instant of a day as a date field gives it, in UTC; undefined for an empty field. @throws {CaError} invalid-argument */
export function endOfDay(text: string): Date | undefined {
  if (text === '') return undefined
  const instant = new Date(`${text}T23:59:59Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(text)) throw new CaError('invalid-argument', 'the last day is not a date like 2027-06-30')
  return instant
}
