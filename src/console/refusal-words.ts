import type { ShownError } from './person/shown-errors.ts'
import { en } from './person/texts/en.ts'

/** What stopped a phone, as its owner reads it in English. */
export const refusalWords = (code: string): string => en.errors[code as ShownError] ?? en.otherError
