/** LISTEN on a connection of its own, made when first needed and made again when it breaks. */
import pg from 'pg'
import { CaError } from '../errors.ts'
import type { Engine, Notification } from './db.ts'

const retryMs = 1_000

type Listener = Pick<Engine, 'listen' | 'close'>

/** @param url  a connection that is not shared: behind a transaction pooler nothing would be delivered */
export function listener(url: string): Listener {
  const handlers = new Map<string, Set<Notification>>()
  let connection: Promise<pg.Client> | undefined
  let retry: NodeJS.Timeout | undefined
  let closed = false

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: url, keepAlive: true, application_name: 'latchkey', connectionTimeoutMillis: 5_000 })
    client.on('error', () => {}) // 'end' follows
    client.on('notification', ({ channel, payload }) => { tell(channel, payload ?? '') })
    try {
      await client.connect()
      for (const channel of handlers.keys()) await client.query(`listen ${channel}`)
    } catch (error) {
      connection = undefined
      client.end().catch(() => {})
      throw error
    }
    client.on('end', reconnect)
    return client
  }

  function tell(channel: string, payload: string): void {
    for (const handler of handlers.get(channel) ?? []) handler(payload)
  }

  function reconnect(): void {
    connection = undefined
    if (closed || handlers.size === 0) return
    retry = setTimeout(() => {
      connection ??= connect()
      // What was sent in between is lost, so everybody looks again.
      connection.then(() => { for (const channel of handlers.keys()) tell(channel, '') }, reconnect)
    }, retryMs)
    retry.unref()
  }

  async function execute(sql: string): Promise<void> {
    if (closed) return
    try {
      connection ??= connect()
      await (await connection).query(sql)
    } catch (cause) {
      throw new CaError('database-unavailable', 'the database is not reachable', { cause })
    }
  }

  async function stop(channel: string, handler: Notification): Promise<void> {
    const remaining = handlers.get(channel)
    if (remaining?.delete(handler) !== true || remaining.size > 0) return
    handlers.delete(channel)
    if (connection !== undefined) await execute(`unlisten ${channel}`)
  }

  return {
    listen: async (channel, handler) => {
      handlers.set(channel, (handlers.get(channel) ?? new Set()).add(handler))
      try {
        await execute(`listen ${channel}`)
      } catch (error) {
        await stop(channel, handler).catch(() => {})
        throw error
      }
      return async () => await stop(channel, handler)
    },
    close: async () => {
      closed = true
      clearTimeout(retry)
      await connection?.then(async client => { await client.end() }, () => {})
    },
  }
}
