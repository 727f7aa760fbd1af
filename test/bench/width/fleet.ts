/** Instances on the store, as processes of their own, and nginx before them. */
import { freePort } from '../../support/free-port.ts'
import { instances, startBalancer } from '../../support/instances.ts'
import { findProgram } from '../../support/peers.ts'
import { startPgBouncer } from '../../support/pgbouncer.ts'
import type { Served } from '../../support/served.ts'
import type { WidthStore } from './store.ts'
import type { Undo } from './undo.ts'

/** The last is what an operator gets who forgot the direct address: nobody is notified, and everybody looks now and then. */
export const ways = ['directly', 'PgBouncer', 'PgBouncer only'] as const
export type Way = typeof ways[number]

export type Fleet = { readonly port: number, readonly running: readonly Served[] }

/** @returns why not, where a program is missing */
export async function startFleet(store: WidthStore, way: Way, count: number, undo: Undo): Promise<Fleet | string> {
  const [nginx, pgbouncer] = [findProgram('nginx'), findProgram('pgbouncer')]
  if (nginx === undefined) return 'nginx is not installed'
  if (way !== 'directly' && pgbouncer === undefined) return 'pgbouncer is not installed'
  const env: Record<string, string> = { DATABASE_URL: store.databaseUrl, DATABASE_DIRECT_URL: store.databaseUrl, LATCHKEY_PASSPHRASE_FILE: store.passphraseFile }
  if (way !== 'directly') {
    const pooler = await startPgBouncer(pgbouncer!, store.serverUrl, 20)
    undo.push(pooler.end)
    env['DATABASE_URL'] = pooler.before(store.databaseUrl)
    if (way === 'PgBouncer only') env['DATABASE_DIRECT_URL'] = env['DATABASE_URL']
  }
  const port = await freePort()
  const running = await instances(count, store.folder, port, env)
  // The first one registers its addresses and publishes; the others then have nothing to do.
  for (const instance of running) {
    undo.push(instance.stop)
    await instance.start()
  }
  const balancer = await startBalancer(nginx, port, running.map(({ url }) => Number(new URL(url).port)))
  undo.push(balancer.end)
  return { port, running }
}
