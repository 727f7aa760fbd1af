/** config → store → keys → app → listen. Started by main.ts and by `latchkey serve`. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { createApp, type Doors } from './app.ts'
import { activeAuthority } from './certificates/authority.ts'
import { CaError } from './errors.ts'
import { loadConfig, type Config, type ListenAddress } from './config.ts'
import { fingerprint } from './formats/x509.ts'
import { agentDoor } from './http/agent-door.ts'
import { jsonLog, type Log } from './http/log.ts'
import { openService } from './http/open-service.ts'
import type { Service } from './http/service.ts'
import { createSetupLink } from './http/setup-link.ts'
import { openKeyring } from './keys/keyring.ts'
import { readPassphrase } from './keys/passphrase.ts'
import { localApi } from './protocols/api/local.ts'
import { holdTestCertificates, prepareAuthorities, startSchedule } from './schedule.ts'
import { adminStore } from './store/access.ts'
import { anyKeys } from './store/authorities.ts'
import { lockFolder } from './store/folder-lock.ts'
import { migrate, migrationsFolder, readMigrations } from './store/migrate.ts'
import { openDatabase } from './store/open.ts'

export type Running = { service: Service, address: ListenAddress, stop(): Promise<void> }
export type ServeOptions = { env: Readonly<Record<string, string | undefined>>, now?: () => Date, print?: (line: string) => void, log?: Log }

/** Starts a service and says what to do next. @throws {CaError} invalid-configuration, data-folder-locked, key-passphrase-wrong … */
export async function serve(options: ServeOptions): Promise<Running> {
  const now = options.now ?? (() => new Date())
  const print = options.print ?? (line => process.stdout.write(`${line}\n`))
  const log = options.log ?? jsonLog(line => process.stderr.write(line), now)
  const config = loadConfig(options.env)
  makeDataFolder(config.dataFolder)
  // The embedded database locks its folder itself; with a server the local socket still has one owner.
  const lock = config.databaseUrl === undefined ? undefined : await lockFolder(config.dataFolder)
  const db = await openDatabase({ databaseUrl: config.databaseUrl, directUrl: config.databaseDirectUrl, dataFolder: config.dataFolder })
  try {
    await migrate(db, await readMigrations(migrationsFolder))
    const passphrase = readPassphrase({ ...config, keysExist: await anyKeys(db) })
    const service = await openService({ config, db, keyring: openKeyring(passphrase), now, log })
    const created = await prepareAuthorities(service)
    if (service.anchors.some(anchor => anchor.test)) log('warn', 'simulated phones are trusted', { setting: 'LATCHKEY_TEST_DEVICE_CA' })
    const held = await holdTestCertificates(service)
    if (held > 0) log('warn', 'certificates of simulated phones were held', { count: held })
    const doors = await openDoors(service)
    const schedule = startSchedule(service)
    service.onRevocationChange(schedule.wake)
    await greet(service, created, print)
    return { service, address: doors.address, stop: async () => { await doors.close(); await schedule.stop(); await db.close(); await lock?.release() } }
  } catch (error) {
    await db.close()
    await lock?.release()
    throw error
  }
}

function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
  } catch (cause) {
    throw new CaError('invalid-configuration', `LATCHKEY_DATA: ${folder} cannot be made or is no folder of ours (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

async function openDoors(service: Service): Promise<{ address: ListenAddress, close(): Promise<void> }> {
  const { config } = service
  const apart = config.consoleListen !== undefined
  const main = await listen(service, config.listen, { phones: true, admins: !apart })
  const servers = [main]
  try {
    servers.push(await listenLocally(service))
    if (config.agentListen !== undefined) servers.push(await listen(service, config.agentListen, { phones: false, admins: false, agents: true }))
    if (config.consoleListen !== undefined) servers.push(await listen(service, config.consoleListen, { phones: false, admins: true }))
  } catch (error) {
    await Promise.all(servers.map(close))
    throw error
  }
  const bound = main.address()
  const address = typeof bound === 'object' && bound !== null ? { host: config.listen.host, port: bound.port } : config.listen
  return { address, close: async () => { await Promise.all(servers.map(close)) } }
}

const limits = { requestTimeout: 30_000, headersTimeout: 15_000, maxHeaderSize: 32_768 }

async function listen(service: Service, address: ListenAddress, doors: Doors): Promise<Server> {
  const listener = createApp(service, doors)
  const server = doors.agents === true ? (await agentDoor(service, listener, limits)).server : createServer(limits, listener)
  return await listenOn(server, address, doors.agents === true ? 'LATCHKEY_AGENT_LISTEN' : doors.phones ? 'LATCHKEY_LISTEN' : 'LATCHKEY_CONSOLE_LISTEN')
}

/** @throws {CaError} invalid-configuration */
async function listenOn(server: Server, { host, port }: ListenAddress, setting: string): Promise<Server> {
  try {
    await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(port, host, resolve) })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'another program listens there' : code
    throw new CaError('invalid-configuration', `${setting}: cannot listen on ${host}:${port} (${why})`, { cause })
  }
  return server
}

export const socketPath = (config: Pick<Config, 'dataFolder'>): string => join(config.dataFolder, 'latchkey.sock')

/** The way in for commands on this machine: who can open the file may do everything. */
async function listenLocally(service: Service): Promise<Server> {
  const path = socketPath(service.config)
  // What a killed process left; nobody else is here, since the data folder or the port is ours.
  rmSync(path, { force: true })
  const server = createServer(localApi(service))
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(path, resolve) })
  // Until here the folder's mode 0700 kept others out.
  chmodSync(path, 0o600)
  return server
}

async function close(server: Server): Promise<void> {
  await new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeIdleConnections()
    setTimeout(() => server.closeAllConnections(), 2000).unref()
  })
}

async function greet(service: Service, created: boolean, print: (line: string) => void): Promise<void> {
  const { config } = service
  const root = activeAuthority(service.authorities(), 'root').certificate
  const colons = fingerprint(root.raw).toUpperCase().replace(/(..)(?=.)/g, '$1:')
  print(`Latchkey serves on ${config.url} (${config.listen.host}:${config.listen.port})`)
  if (created) print('The authority was created now.')
  print(`CA fingerprint (SHA-256 of the root certificate): ${colons}`)
  if (!await adminStore(service.db).anyInOffice()) print(`Set up the first admin, once, within an hour: ${(await createSetupLink(service)).url}`)
  if (service.anchors.some(anchor => anchor.test)) print('WARNING: simulated phones are trusted (LATCHKEY_TEST_DEVICE_CA). Never do this where mail is.')
  print('Next: npx latchkey model approve --preset storage-encryption --reason "first try"')
  print('      npx latchkey invite create --name "Ada Lovelace" --email ada@example.com')
}

/** Ends in order. A second signal while it does (npm passes Ctrl-C on once more) must not cut it off. */
export function stopOnSignal(running: Running): void {
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    running.stop().then(() => process.exit(0), () => process.exit(1))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
