import type { z } from 'zod'
import { mistakeInWords } from '../formats/mistake-words.ts'

/** The first mistake of each field that a form was refused for, by the field's name; '' is the form as a whole. */
export function fieldMistakes(error: z.ZodError): Readonly<Record<string, string>> {
  const mistakes: Record<string, string> = {}
  for (const issue of error.issues) mistakes[String(issue.path[0] ?? '')] ??= mistakeInWords(issue)
  return mistakes
}
