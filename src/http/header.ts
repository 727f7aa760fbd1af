import type { IncomingMessage } from 'node:http'

/**
 * Each value of a header that was sent, in order; Node's own table joins some with commas and drops others. Looks at the names
 * one by one, because Node's `headersDistinct` first makes a table of all of them, which takes as long as finding an answer from memory.
 *
 * @param name  in lower case
 */
export function headerValues({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>, name: string): string[] {
  const values: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const sent = rawHeaders[at]!
    if (sent.length === name.length && sent.toLowerCase() === name) values.push(rawHeaders[at + 1]!)
  }
  return values
}
