import type { z } from 'zod'

/** The first mistake of each field that a form was refused for, by the field's name; '' is the form as a whole. */
export function fieldMistakes(error: z.ZodError): Readonly<Record<string, string>> {
  const mistakes: Record<string, string> = {}
  for (const { path, message } of error.issues) mistakes[String(path[0] ?? '')] ??= message
  return mistakes
}
