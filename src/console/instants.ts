import { CaError } from '../errors.ts'

/** The last instant of a day as a date field gives it, in UTC; undefined for an empty field. @throws {CaError} invalid-argument */
export const endOfDay = (text: string): Date | undefined => dayAt(text, '23:59:59', 'the last day')

/** The first instant of a day. @throws {CaError} invalid-argument */
export const startOfDay = (text: string): Date | undefined => dayAt(text, '00:00:00', 'the day')

function dayAt(text: string, time: string, what: string): Date | undefined {
  if (text === '') return undefined
  const instant = new Date(`${text}T${time}Z`)
  // Browsers without a date field send what was typed; JavaScript takes 31 February for a day in March.
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(text)) throw new CaError('invalid-argument', `${what} is not a date like 2027-06-30`)
  return instant
}
