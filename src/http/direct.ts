import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

/** Answers what is asked most often, before everything that other addresses go through. @returns false when the address is not its own */
export type DirectHandler = (request: IncomingMessage, response: ServerResponse) => boolean

export const directly = (handlers: readonly DirectHandler[], others: RequestListener): RequestListener => (request, response) => {
  for (const handle of handlers) if (handle(request, response)) return
  others(request, response)
}

/**
 * Sends an answer when whatever else had arrived was looked at. Each that is sent wakes whoever waits for it, which takes
 * longer than finding it; of those that are sent one after the other only the first does.
 */
export function endTogether(response: ServerResponse, body: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
  setImmediate(() => { response.end(body, encoding) })
}
