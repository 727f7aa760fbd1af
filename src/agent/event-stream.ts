/** Server-sent events (WHATWG HTML §9.2), as they come in from the wire, of bounded size. */
import { CaError } from '../errors.ts'

export type ServerSentEvent = { readonly event: string, readonly data: string, readonly id: string | undefined }

const maxEventCharacters = 64 * 1024

/** @returns a reader that is given text as it arrives and answers with the events that it completes */
export function eventReader(): (text: string) => ServerSentEvent[] {
  let rest = ''
  let lines: string[] = []
  return text => {
    rest += text
    const events: ServerSentEvent[] = []
    for (let end = rest.search(/\r?\n/); end >= 0; end = rest.search(/\r?\n/)) {
      const line = rest.slice(0, end)
      rest = rest.slice(end + (rest[end] === '\r' ? 2 : 1))
      if (line !== '') {
        lines.push(line)
        if (lines.reduce((sum, { length }) => sum + length, 0) > maxEventCharacters) throw tooLong()
      } else if (lines.length > 0) {
        events.push(readEvent(lines))
        lines = []
      }
    }
    if (rest.length > maxEventCharacters) throw tooLong()
    return events
  }
}

function readEvent(lines: readonly string[]): ServerSentEvent {
  const values = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    values.set(name, name === 'data' && values.has(name) ? `${values.get(name)}\n${value}` : value)
  }
  return { event: values.get('event') ?? 'message', data: values.get('data') ?? '', id: values.get('id') }
}

const tooLong = (): CaError => new CaError('malformed-request', `an event has more than ${maxEventCharacters} characters`)
