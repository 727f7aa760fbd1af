/** Ends what is running at an HAProxy for certificates that were revoked: a long poll of a mailbox, a tunnel. */
import type { HaproxyCli } from './haproxy-cli.ts'

/** The table in which the printed configuration keeps running requests: `SERIAL|address:port`. */
export const streamTable = 'latchkey_streams'

/** @param keys  serial numbers as the table has them. @returns how many were ended */
export async function cutStreams(cli: HaproxyCli, keys: ReadonlySet<string>): Promise<number> {
  const sources = runningSources(await cli.ask(`show table ${streamTable}`), keys)
  if (sources.size === 0) return 0
  let count = 0
  for (const { id, source } of sessionsIn(await cli.ask('show sess'))) {
    if (!sources.has(source)) continue
    await cli.ask(`shutdown session ${id}`)
    count++
  }
  return count
}

/** Entries stay in the table after their request; `use` counts the ones that are running. */
function runningSources(table: string, keys: ReadonlySet<string>): Set<string> {
  const sources = new Set<string>()
  for (const [, serialNumber, source, use] of table.matchAll(/ key=([0-9A-F]+)\|(\S+) use=(\d+)/g)) {
    if (use !== '0' && keys.has(serialNumber!)) sources.add(source!)
  }
  return sources
}

const sessionsIn = (text: string): { id: string, source: string }[] =>
  [...text.matchAll(/^(0x[0-9a-f]+): proto=tcp\S* src=(\S+) /gm)].map(([, id, source]) => ({ id: id!, source: source! }))
