/**
 * Connections to the one of several servers that takes writes: the others are its standbys, one of which may be promoted at any
 * time. Each is tried in turn, beginning with the one that was good last.
 */
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { CaError } from '../errors.ts'
import { serverAddresses } from './server-addresses.ts'

export const longestConnectMs = 5_000

export class Servers {
  readonly #addresses: readonly string[]
  readonly #Client: ReturnType<typeof clientOf>
  #next = 0

  /** @param url  one server or several */
  constructor(url: string) {
    this.#addresses = serverAddresses(url)
    this.#Client = clientOf(() => this.#addresses[this.#next]!, address => { this.#passOver(address) })
  }

  /** Every connection of the pool is to a server that takes writes. */
  pool(config: pg.PoolConfig): pg.Pool {
    return new pg.Pool({ ...config, Client: this.#Client as unknown as new () => pg.Client, onConnect: async client => { await this.#requireWrites(client) } })
  }

  /** A connection by itself, without a pipeline: one that is under way would keep it from being closed. @throws what the last server answered */
  async connect(config: pg.ClientConfig, prepare: (client: pg.Client) => Promise<void>): Promise<pg.Client> {
    return await this.eachInTurn(async () => {
      const client = new this.#Client({ ...config, pipeline: false } as pg.ClientConfig)
      client.on('error', () => {}) // 'end' follows
      try {
        await new Promise<void>((resolve, reject) => { client.connect((error: Error) => { if (error) reject(error); else resolve() }) })
        await this.#requireWrites(client)
        await prepare(client)
        return client
      } catch (error) {
        client.end().catch(() => {})
        throw error
      }
    })
  }

  /** Tries until it works, once for each server. */
  async eachInTurn<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await attempt()
      } catch (error) {
        if (tried >= this.#addresses.length) throw error
      }
    }
  }

  /** A standby takes connections too, and refuses every change. */
  async #requireWrites(connection: pg.ClientBase): Promise<void> {
    const client = connection as ServerClient
    try {
      const question = { text: `select current_setting('transaction_read_only') as read_only, pg_backend_pid()::text as pid`, query_timeout: longestConnectMs }
      const { rows: [row] } = await connection.query<{ read_only: string, pid: string }>(question)
      if (row?.read_only !== 'off') throw new CaError('database-unavailable', 'the database server takes no writes')
      client.isDirect = row.pid === String(client.processID)
    } catch (error) {
      this.#passOver(client.address)
      throw error
    }
  }

  /** Of many that fail at once with the same server, the first one turns to the next. */
  #passOver(address: string): void {
    if (this.#addresses[this.#next] === address) this.#next = (this.#next + 1) % this.#addresses.length
  }
}

type ServerClient = InstanceType<ReturnType<typeof clientOf>>

/** Whether statements keep their names on this connection: what answers is the server that took it, and no pooler with a number of its own. */
export const isDirect = (client: pg.ClientBase): boolean => (client as ServerClient).isDirect

/** From now on statements go without names there. */
export const forgetNames = (client: pg.ClientBase): void => { (client as ServerClient).isDirect = false }

/** Clients of whichever server is next when they are made. */
function clientOf(next: () => string, failed: (address: string) => void) {
  return class extends pg.Client {
    readonly address: string
    isDirect = false
    /** As the server called itself when it took the connection (PostgreSQL manual §55.7, BackendKeyData). */
    declare readonly processID: number | null
    #isCorked = false

    constructor(options: pg.ClientConfig) {
      const address = next()
      // A statement does not wait for the answer of the one before it (PostgreSQL manual §55.2.4).
      super({ pipeline: true, ...options, connectionString: address } as pg.ClientConfig)
      this.address = address
    }

    override query(...question: [any, any?, any?]): any {
      this.#travelTogether()
      return super.query(...question)
    }

    /** What is asked in one go is one packet: handing it to the kernel costs more than PostgreSQL's answer to most of it. */
    #travelTogether(): void {
      if (this.#isCorked) return
      const { stream } = (this as unknown as { connection: { stream: Duplex } }).connection
      this.#isCorked = true
      stream.cork()
      process.nextTick(() => {
        this.#isCorked = false
        stream.uncork()
      })
    }

    // As the driver's pool calls it: nobody waits for a promise.
    override connect(connected?: any): any {
      super.connect((error: Error) => {
        if (error) failed(this.address)
        connected(error)
      })
    }
  }
}
