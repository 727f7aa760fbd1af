/** Bounds that both forms of a query share. */

export const maxValueCharacters = 512
export const maxDeviceTypeCharacters = 64
const maxDeviceIdCharacters = 32

/** MS-ASHTTP: DeviceId is 1*32(ALPHA / DIGIT). @returns what is wrong with it */
export function deviceIdFault(text: string): string | undefined {
  if (text === '') return 'DeviceId empty'
  if (text.length > maxDeviceIdCharacters) return `DeviceId longer than ${maxDeviceIdCharacters}`
  return /^[A-Za-z0-9]+$/.test(text) ? undefined : 'DeviceId holds other than letters and digits'
}
