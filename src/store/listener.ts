/** LISTEN on a connection of its own, made when first needed and tried again, also the first time, until there is one. */
import type pg from 'pg'
import { CaError } from '../errors.ts'
import type { Engine, Notification } from './db.ts'
import { longestConnectMs, type Servers } from './servers.ts'

const retryMs = 1_000

export class Listener implements Pick<Engine, 'listen' | 'close'> {
  readonly #servers: Servers
  readonly #handlers = new Map<string, Set<Notification>>()
  #connection: Promise<pg.Client> | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  /** @param servers  asked for a connection that is not shared: behind a transaction pooler nothing would be delivered */
  constructor(servers: Servers) {
    this.#servers = servers
  }

  async listen(channel: string, handler: Notification): Promise<() => Promise<void>> {
    this.#handlers.set(channel, (this.#handlers.get(channel) ?? new Set()).add(handler))
    const stop = async (): Promise<void> => await this.#stop(channel, handler)
    // A connection that has just broken ends, which makes another one.
    await this.#execute(`listen ${channel}`).catch(() => { if (this.#connection === undefined) this.#reconnect() })
    return stop
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    await this.#connection?.then(async client => { await client.end() }, () => {})
  }

  async #stop(channel: string, handler: Notification): Promise<void> {
    const remaining = this.#handlers.get(channel)
    if (remaining?.delete(handler) !== true || remaining.size > 0) return
    this.#handlers.delete(channel)
    if (this.#connection !== undefined) await this.#execute(`unlisten ${channel}`)
  }

  async #execute(sql: string): Promise<void> {
    if (this.#closed) return
    try {
      this.#connection ??= this.#connect()
      await (await this.#connection).query(sql)
    } catch (cause) {
      throw new CaError('database-unavailable', 'the database is not reachable', { cause })
    }
  }

  async #connect(): Promise<pg.Client> {
    try {
      const client = await this.#servers.connect({ keepAlive: true, application_name: 'latchkey', connectionTimeoutMillis: longestConnectMs }, async client => {
        client.on('notification', ({ channel, payload }) => { this.#tell(channel, payload ?? '') })
        for (const channel of this.#handlers.keys()) await client.query(`listen ${channel}`)
      })
      client.on('end', () => { this.#reconnect() })
      return client
    } catch (error) {
      this.#connection = undefined
      throw error
    }
  }

  #reconnect(): void {
    this.#connection = undefined
    if (this.#closed || this.#handlers.size === 0 || this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#connection ??= this.#connect()
      // What was sent in between is lost, so everybody looks again.
      this.#connection.then(() => { for (const channel of this.#handlers.keys()) this.#tell(channel, '') }, () => { this.#reconnect() })
    }, retryMs)
    this.#retry.unref()
  }

  #tell(channel: string, payload: string): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler(payload)
  }
}
