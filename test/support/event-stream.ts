import type { TestAgent } from './agent.ts'

export type FeedEvent = { event: string, id: string | undefined, data: any }

/** Follows the feed as a program without libraries does. `next` waits for one event of that name, and keeps the others. */
export async function follow(agent: TestAgent, lastEventId?: number): Promise<{ readonly seen: readonly FeedEvent[], next(event: string): Promise<FeedEvent>, end(): void }> {
  const abort = new AbortController()
  const response = await agent.send('GET', '/feed', { headers: { accept: 'text/event-stream', ...lastEventId !== undefined && { 'last-event-id': String(lastEventId) } }, signal: abort.signal })
  if (response.status !== 200 || response.headers.get('content-type') !== 'text/event-stream') throw new Error(`${response.status} ${await response.text()}`)
  const seen: FeedEvent[] = []
  const taken = new Set<FeedEvent>()
  let wake = (): void => {}
  let ended: unknown
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const lines = new Map(text.slice(0, end).split('\n').map(line => line.split(/: (.*)/s, 2) as [string, string]))
        seen.push({ event: lines.get('event')!, id: lines.get('id'), data: JSON.parse(lines.get('data')!) })
        text = text.slice(end + 2)
        wake()
      }
    }
  }
  read().then(() => { ended = new Error('the feed has ended') }, (error: unknown) => { ended = error }).finally(() => { wake() })
  return {
    seen,
    async next(event) {
      for (;;) {
        const found = seen.find(candidate => candidate.event === event && !taken.has(candidate))
        if (found !== undefined) { taken.add(found); return found }
        if (ended !== undefined) throw ended
        await new Promise<void>(resolve => { wake = resolve })
      }
    },
    end: () => { abort.abort() },
  }
}
