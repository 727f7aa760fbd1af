/** The other way round from `user-agent.ts`: how phones write what they are. */
import { parseBuild } from '../build-number.ts'

/** `iPhone14C5` for `iPhone14,5`. */
export const spellDeviceModel = (productType: string): string => productType.replace(',', 'C')

/**
 * `705.18` for 7E18, and `705.018` as Apple's guide fills it up.
 *
 * @returns undefined when the text is not a build number
 */
export function spellBuild(build: string, { padded = false }: { padded?: boolean } = {}): string | undefined {
  const parts = parseBuild(build)
  if (parts === undefined) return undefined
  const position = (letter: string): string => String(letter.toUpperCase().charCodeAt(0) - 64).padStart(2, '0')
  const number = padded ? String(parts.number).padStart(3, '0') : String(parts.number)
  return `${parts.major}${position(parts.letter)}.${number}${parts.suffix === '' ? '' : `000${position(parts.suffix)}`}`
}
