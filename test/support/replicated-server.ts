/** A PostgreSQL server and its synchronous standby, on two ports of this machine: what the first has acknowledged is on both. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from './free-port.ts'
import { cluster, postgresFolder } from './own-server.ts'

export type ReplicatedServer = {
  /** Of the first server alone. */
  readonly primaryUrl: string
  /** The same database by way of whichever of both takes writes. */
  withStandby(databaseUrl: string): string
  /** The same database of the standby alone. */
  standbyOf(databaseUrl: string): string
  /** As a crash would: whoever is connected is cut off, and it does not come back. */
  losePrimary(): Promise<void>
  promote(): Promise<void>
  close(): Promise<void>
}

export async function replicatedServer(): Promise<ReplicatedServer> {
  const { folder, asPostgres } = await postgresFolder('latchkey-replicated-')
  const [primary, standby] = [{ data: join(folder, 'primary'), port: await freePort() }, { data: join(folder, 'standby'), port: await freePort() }]
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=200'].map(setting => `-c ${setting}`).join(' ')
  const start = async ({ data, port }: typeof primary): Promise<void> => { await asPostgres('pg_ctl', '-w', '-D', data, '-l', `${data}.log`, '-o', `-p ${port} ${settings}`, 'start') }
  const stop = async ({ data }: typeof primary): Promise<void> => { await asPostgres('pg_ctl', '-D', data, '-m', 'immediate', 'stop') }
  const primaryUrl = `postgresql://postgres@127.0.0.1:${primary.port}/postgres`
  const close = async (): Promise<void> => {
    for (const server of [primary, standby]) await stop(server).catch(() => {}) // one is stopped already, or never began
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await asPostgres('initdb', '-D', primary.data, ...cluster)
    await start(primary)
    await asPostgres('pg_basebackup', '-d', primaryUrl, '-D', standby.data, '-R', '-X', 'stream', '-c', 'fast')
    await start(standby)
    await waitForStandby(primaryUrl)
  } catch (error) {
    await close()
    throw error
  }
  return {
    primaryUrl, close,
    withStandby: databaseUrl => databaseUrl.replace(`127.0.0.1:${primary.port}`, `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`),
    standbyOf: databaseUrl => databaseUrl.replace(`127.0.0.1:${primary.port}`, `127.0.0.1:${standby.port}`),
    losePrimary: async () => await stop(primary),
    promote: async () => { await asPostgres('pg_ctl', '-w', '-D', standby.data, 'promote') },
  }
}

/** From then on no commit is acknowledged before the standby has it. The standby was copied before, so it will not wait for one of its own. */
async function waitForStandby(primaryUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: primaryUrl })
  await client.connect()
  try {
    await client.query(`alter system set synchronous_standby_names = '*'`)
    await client.query('select pg_reload_conf()')
    for (;;) {
      const { rows } = await client.query<{ state: string }>('select sync_state as state from pg_stat_replication')
      if (rows.some(({ state }) => state === 'sync')) return
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
  } finally {
    await client.end()
  }
}
