import type { z } from 'zod'

const formats: Readonly<Record<string, string>> = {
  email: 'must be an address like ada@example.com', datetime: 'must be an instant like 2027-12-31T12:00:00Z', date: 'must be a day like 2027-12-31',
}

/** What is wrong with one value, as people say it after its name. Words that a schema brought stay as they are. */
export function mistakeInWords(issue: z.core.$ZodIssue): string {
  const { message } = issue
  if (!/^(?:Invalid|Too|Unrecognized) /.test(message)) return message
  switch (issue.code) {
    case 'invalid_type': return message.endsWith('received undefined') ? 'is missing' : `must be a ${issue.expected === 'int' ? 'whole number' : issue.expected}`
    case 'too_small': return issue.origin === 'string' ? issue.minimum === 1 ? 'must not be empty' : `must have at least ${issue.minimum} characters` : `must be at least ${issue.minimum}`
    case 'too_big': return issue.origin === 'string' ? `must have at most ${issue.maximum} characters` : `must be at most ${issue.maximum}`
    case 'invalid_format': return formats[issue.format] ?? message
    case 'invalid_value': return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys': return `does not know ${issue.keys.join(', ')}`
    default: return message
  }
}
