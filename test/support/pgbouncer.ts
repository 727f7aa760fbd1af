/** PgBouncer in transaction mode before a PostgreSQL server: a connection of a client is somebody else's after each transaction. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { background } from './background.ts'
import { freePort } from './free-port.ts'

export type PgBouncer = {
  /** The address of a database by way of it. */
  before(databaseUrl: string): string
  end(): Promise<void>
}

/** @param program  path of pgbouncer; @param connections  to the server, for each database */
export async function startPgBouncer(program: string, serverUrl: string, connections = 10): Promise<PgBouncer> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-pgbouncer-'))
  const [port, { hostname, port: serverPort, username, password }] = [await freePort(), new URL(serverUrl)]
  await writeFile(join(folder, 'users'), `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`)
  await writeFile(join(folder, 'pgbouncer.ini'), `[databases]
* = host=${hostname} port=${serverPort || 5432}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${folder}/users
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 1000
`)
  for (const name of ['', 'users', 'pgbouncer.ini']) await chmod(join(folder, name), name === '' ? 0o755 : 0o644)
  // It refuses to run as root.
  const [command, args] = process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', program]] : [program, []]
  const running = await background(command, [...args, join(folder, 'pgbouncer.ini')], port)
  return {
    before(databaseUrl) {
      const url = new URL(databaseUrl)
      url.host = `127.0.0.1:${port}`
      return url.href
    },
    async end() {
      await running.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
