/**
 * Apache httpd: its Lua hook looks for every request into files that the agent replaces, so that open connections and
 * resumed sessions are refused as well, and nothing is remembered that could be old. A file that is missing or was cut
 * off refuses everybody. The signed lists are for handshakes; Apache reads them when it is told to.
 */
import { request } from 'node:http'
import { join } from 'node:path'
import { makeFolder } from '../files.ts'
import { textOf, type JsonObject } from '../json.ts'
import { lastSecond, type BundleResult, type Target } from '../target.ts'
import { writeCaFile } from './ca-file.ts'
import { reloadCommand, runCommand } from './command.ts'
import { KeptFile } from './kept-file.ts'
import { ListFile } from './list-file.ts'
import { RefusedFiles } from './refused-files.ts'

export type ApacheSettings = {
  /** What Apache reads when it starts. */
  readonly files: string
  /** What it reads for every request. Best in memory: gone with a restart of the machine, so that nothing old counts then. */
  readonly run: string
  /** host:port at which it answers phones. */
  readonly probe: string
  /** What makes it read its files again. */
  readonly reload: readonly string[]
}

export const apacheSettings = (target: JsonObject): ApacheSettings =>
  ({ files: textOf(target, 'files'), run: textOf(target, 'run'), probe: textOf(target, 'probe'), reload: reloadCommand(target) })

const answerMs = 5_000
// A process that was replaced keeps its place until its last request is over, long polls included, and there are only so
// many places: ServerLimit of the printed configuration.
const reloadPauseMs = 300_000

export class ApacheTarget implements Target {
  readonly name = 'apache'
  readonly #settings: ApacheSettings
  readonly #now: () => Date
  readonly #refused: RefusedFiles
  readonly #switch: KeptFile
  readonly #lists: ListFile
  #since = 0
  #until = 0
  #reloadedAt: Date | undefined

  constructor(settings: ApacheSettings, now: () => Date) {
    this.#settings = settings
    this.#now = now
    this.#refused = new RefusedFiles(settings.run)
    this.#switch = new KeptFile(join(settings.run, 'fresh'))
    this.#lists = new ListFile(join(settings.files, 'lists.pem'))
  }

  prepare(ca: string): void {
    writeCaFile(this.#settings.files, ca)
  }

  /** Apache answers plain HTTP at a TLS port with 400, and says who it is. */
  async version(): Promise<string> {
    const { hostname: host, port } = new URL(`https://${this.#settings.probe}`)
    return await new Promise((resolve, reject) => {
      const asked = request({ host: host.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : port, agent: false, timeout: answerMs }, response => {
        const { server } = response.headers
        response.destroy()
        if (typeof server === 'string' && server.startsWith('Apache')) resolve(server)
        else reject(new Error(`another server answers at ${this.#settings.probe}`))
      })
      asked.on('timeout', () => { asked.destroy(new Error('Apache does not answer')) })
      asked.on('error', reject)
      asked.end()
    })
  }

  async load(serialNumbers: () => Iterable<string>): Promise<void> {
    makeFolder(this.#settings.run, 0o755)
    this.#refused.load(serialNumbers())
  }

  async add(serialNumbers: readonly string[]): Promise<boolean> {
    if (!this.#refused.areThere) return false
    if (serialNumbers.length > 0) this.#refused.add(serialNumbers)
    return true
  }

  async lift(serialNumbers: readonly string[]): Promise<boolean> {
    if (!this.#refused.areThere) return false
    if (serialNumbers.length > 0) this.#refused.lift(serialNumbers)
    return true
  }

  /** Also says since when, so that a clock that was set back lets nobody in for longer. */
  async fresh(until: Date): Promise<boolean> {
    if (!this.#refused.areThere) return false
    const [seconds, now] = [lastSecond(until), Math.floor(this.#now().getTime() / 1000)]
    if (seconds === this.#until && now >= this.#since && this.#switch.isThere) return true
    this.#switch.write(`since ${now} until ${seconds}\n`)
    this.#since = now
    this.#until = seconds
    return true
  }

  async bundle(pem: Iterable<string>): Promise<BundleResult> {
    const now = this.#now()
    if (this.#reloadedAt !== undefined && Math.abs(now.getTime() - this.#reloadedAt.getTime()) < reloadPauseMs) return { inForce: false, detail: 'Apache has read lists some minutes ago' }
    if (!this.#lists.write(pem)) return { inForce: true, detail: 'lists are the same' }
    // With nobody there, the lists are on disk for whoever starts next.
    await this.version()
    await runCommand(this.#settings.reload)
    this.#reloadedAt = now
    this.#lists.isInForce()
    return { inForce: true, detail: 'lists are on disk, and Apache was told to read them' }
  }

  /** Apache cannot end what is running: the limits of the printed configuration do. */
  async cut(): Promise<number> {
    return 0
  }

  close(): void {}
}
