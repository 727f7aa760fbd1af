/**
 * HAProxy: a map of refused serial numbers and a dead-man switch, both set at run time and asked on every request, so that
 * open connections and resumed sessions are refused as well; and the signed lists, for handshakes.
 *
 * On disk the switch says "until 0". A process that was just started therefore refuses everybody until it has been
 * loaded, which is known by a number of ours in the same map: it is gone where the process is another one.
 */
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { appendFile, replaceFile } from '../files.ts'
import { textOf, type JsonObject } from '../json.ts'
import { lastSecond, type BundleResult, type Target } from '../target.ts'
import { writeCaFile } from './ca-file.ts'
import { reloadCommand, runCommand } from './command.ts'
import { HaproxyCli } from './haproxy-cli.ts'
import { FormerProcesses } from './haproxy-former.ts'
import { cutStreams } from './haproxy-streams.ts'
import { ListFile } from './list-file.ts'

export type HaproxySettings = {
  /** Where the files are that the configuration names. */
  readonly files: string
  /** The `stats socket`. */
  readonly socket: string
  /** What makes HAProxy read its files again. */
  readonly reload: readonly string[]
}

export const haproxySettings = (target: JsonObject): HaproxySettings =>
  ({ files: textOf(target, 'files'), socket: textOf(target, 'socket'), reload: reloadCommand(target) })

// HAProxy keeps a whole command in one buffer of 16,384 bytes (tune.bufsize); what is larger ends in a closed socket.
const maxPayloadBytes = 15_000
const linesAtOnce = 300
// A reload that we asked for is not to interrupt anybody: as long as a new process may take to be loaded.
const reloadSeconds = 20
const reloadPauseMs = 10_000

const key = (serialNumber: string): string => serialNumber.toUpperCase()

export class HaproxyTarget implements Target {
  readonly name = 'haproxy'
  readonly #settings: HaproxySettings
  readonly #map: string
  readonly #switch: string
  readonly #lists: ListFile
  readonly #now: () => Date
  #token = 0
  /** A process that is being started with everything on disk, and what it may have missed there. */
  #coming: { readonly token: number, readonly lines: string[] } | undefined
  /** In the file of refused numbers, but not refused any more. */
  readonly #lifted = new Set<string>()
  #current: HaproxyCli | undefined
  readonly #former = new FormerProcesses()
  #visiting: Promise<void> | undefined
  #until = 0
  #reloadedAt: Date | undefined

  constructor(settings: HaproxySettings, now: () => Date) {
    this.#settings = settings
    this.#now = now
    this.#map = join(settings.files, 'revoked.map')
    this.#switch = join(settings.files, 'fresh.map')
    this.#lists = new ListFile(join(settings.files, 'lists.pem'))
  }

  prepare(ca: string): void {
    writeCaFile(this.#settings.files, ca)
    // Whatever an agent left that ended in the middle of a reload.
    replaceFile(this.#switch, switchText(0), { mode: 0o644 })
    if (!existsSync(this.#map)) replaceFile(this.#map, '', { mode: 0o644 })
  }

  async version(): Promise<string> {
    const cli = await HaproxyCli.open(this.#settings.socket)
    try {
      return await cli.ask('show version')
    } finally {
      cli.close()
    }
  }

  async load(serialNumbers: () => Iterable<string>): Promise<void> {
    const cli = await HaproxyCli.open(this.#settings.socket)
    // The file first: a process that is started from now on has them, and is loaded again none the less.
    replaceFile(this.#map, batches(serialNumbers()), { mode: 0o644 })
    const version = /^New version created: (\d+)$/.exec(await cli.ask(`prepare map ${this.#map}`))?.[1]
    if (version === undefined) throw new Error(`HAProxy does not have the map ${this.#map}`)
    for (const lines of batches(serialNumbers())) await cli.tell(`add map @${version} ${this.#map}`, lines)
    // At once: there is no moment in which a half of them is let in.
    await cli.tell(`commit map @${version} ${this.#map}`)
    this.#token = randomInt(1, 2 ** 47)
    await cli.tell(`set map ${this.#switch} loaded ${this.#token}`)
    this.#lifted.clear()
    this.#follow(cli)
  }

  async add(serialNumbers: readonly string[]): Promise<boolean> {
    if (serialNumbers.length === 0) return true
    const lines = serialNumbers.map(serialNumber => `${key(serialNumber)} 1\n`)
    for (const serialNumber of serialNumbers) this.#lifted.delete(key(serialNumber))
    this.#coming?.lines.push(...lines)
    const cli = await this.#tellAll(lines)
    appendFile(this.#map, lines.join(''), 0o644)
    // It may have read the file just before.
    this.#coming?.lines.push(...lines)
    return cli !== undefined
  }

  /** Whoever is known hears of it at once: a process that is just being started answers late. @returns the loaded process */
  async #tellAll(lines: readonly string[]): Promise<HaproxyCli | undefined> {
    const [token, current] = [this.#token, this.#current]
    const formerTold = this.#former.each(async former => { await addLines(former, this.#map, lines) })
    const currentTold = current !== undefined && await addLines(current, this.#map, lines).then(() => true, () => false)
    const cli = await this.#loadedProcess()
    const isTold = currentTold && this.#token === token
    if (cli !== undefined && !isTold) await addLines(cli, this.#map, lines)
    await formerTold
    return cli
  }

  async lift(serialNumbers: readonly string[]): Promise<boolean> {
    if (serialNumbers.length === 0) return true
    const cli = await this.#loadedProcess()
    if (cli === undefined) return false
    for (const serialNumber of serialNumbers) {
      const answer = await cli.ask(`del map ${this.#map} ${key(serialNumber)}`)
      if (answer !== '' && answer !== 'Key not found.') throw new Error(answer)
      this.#lifted.add(key(serialNumber))
    }
    return true
  }

  async fresh(until: Date): Promise<boolean> {
    const cli = await this.#loadedProcess()
    if (cli === undefined) return false
    this.#until = lastSecond(until)
    await cli.tell(`set map ${this.#switch} until ${this.#until}`)
    this.#visiting ??= this.#former.visit().finally(() => { this.#visiting = undefined })
    return true
  }

  async bundle(pem: Iterable<string>): Promise<BundleResult> {
    if (!this.#lists.write(pem)) return { inForce: true, detail: 'lists are the same' }
    const cli = await this.#openLoaded()
    if (cli === undefined) return { inForce: false, detail: 'lists are on disk; HAProxy has to be loaded first' }
    try {
      const result = this.#lists.bytes <= maxPayloadBytes ? await this.#setLists(cli, [...pem].join('')) : await this.#reload()
      if (result.inForce) this.#lists.isInForce()
      return result
    } finally {
      cli.close()
    }
  }

  async #setLists(cli: HaproxyCli, pem: string): Promise<BundleResult> {
    const set = await cli.ask(`set ssl crl-file ${this.#lists.path}`, pem)
    if (!/transaction (created|updated)/i.test(set)) throw new Error(`set ssl crl-file: ${set.slice(0, 200)}`)
    const committed = await cli.ask(`commit ssl crl-file ${this.#lists.path}`)
    if (!/Success!/.test(committed)) throw new Error(`commit ssl crl-file: ${committed.slice(0, 200)}`)
    return { inForce: true, detail: 'lists were put in place at run time' }
  }

  /**
   * For one moment the disk repeats what the running process was told, so that the new one lets phones in, and refuses,
   * from its first request. An agent that ends in between leaves it so for seconds.
   */
  async #reload(): Promise<BundleResult> {
    const now = this.#now()
    if (this.#reloadedAt !== undefined && now.getTime() - this.#reloadedAt.getTime() < reloadPauseMs) return { inForce: false, detail: 'lists are on disk; a reload was just made' }
    this.#reloadedAt = now
    const [before, token] = [this.#token, randomInt(1, 2 ** 47)]
    this.#dropLifted()
    this.#coming = { token, lines: [] }
    replaceFile(this.#switch, switchText(Math.min(this.#until, Math.floor(now.getTime() / 1000) + reloadSeconds), token), { mode: 0o644 })
    try {
      await runCommand(this.#settings.reload)
      await this.#untilReplaced(before)
    } finally {
      replaceFile(this.#switch, switchText(0), { mode: 0o644 })
      this.#coming = undefined
    }
    return { inForce: true, detail: 'lists are on disk, and HAProxy was reloaded' }
  }

  #dropLifted(): void {
    if (this.#lifted.size === 0) return
    const kept = readFileSync(this.#map, 'latin1').split('\n').filter(line => line !== '' && !this.#lifted.has(line.split(' ', 1)[0]!))
    replaceFile(this.#map, kept.map(line => `${line}\n`).join(''), { mode: 0o644 })
    this.#lifted.clear()
  }

  /** The command may return before the new process has read its files. */
  async #untilReplaced(before: number): Promise<void> {
    for (let tries = 0; tries < reloadSeconds * 50; tries++) {
      await this.#isLoaded().catch(() => false)
      if (this.#token !== before) return
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
    throw new Error('HAProxy was told to reload, and still is the same process')
  }

  async #isLoaded(): Promise<boolean> {
    const cli = await this.#openLoaded()
    cli?.close()
    return cli !== undefined
  }

  async cut(serialNumbers: readonly string[]): Promise<number> {
    const keys = new Set(serialNumbers.map(key))
    // One that has just been replaced is among the former from here on.
    const cli = await this.#openLoaded()
    if (cli === undefined) throw new Error('HAProxy has to be loaded first')
    try {
      const [former, current] = await Promise.all([this.#former.cut(keys), cutStreams(cli, keys)])
      return former + current
    } finally {
      cli.close()
    }
  }

  close(): void {
    this.#former.close()
    this.#current?.close()
  }

  /** A connection to the process that answers now; undefined where that is not the one that was loaded. */
  async #openLoaded(): Promise<HaproxyCli | undefined> {
    const cli = await HaproxyCli.open(this.#settings.socket)
    try {
      const loaded = /value="(\d+)"/.exec(await cli.ask(`get map ${this.#switch} loaded`))?.[1]
      if (this.#token !== 0 && loaded === String(this.#token)) return cli
      if (this.#coming !== undefined && loaded === String(this.#coming.token)) return await this.#takeOver(cli, this.#coming)
    } catch (error) {
      cli.close()
      throw error
    }
    cli.close()
    return undefined
  }

  /**
   * The new process has what was on disk when it was started; the rest is told before anybody relies on it. Whom it let in
   * meanwhile is cut off.
   */
  async #takeOver(cli: HaproxyCli, { token, lines }: { token: number, lines: readonly string[] }): Promise<HaproxyCli> {
    if (this.#current !== undefined) this.#former.take(this.#current)
    this.#current = undefined
    if (lines.length > 0) {
      await addLines(cli, this.#map, [...lines])
      await cutStreams(cli, new Set(lines.map(line => line.split(' ', 1)[0]!)))
    }
    this.#token = token
    return cli
  }

  async #loadedProcess(): Promise<HaproxyCli | undefined> {
    const cli = await this.#openLoaded()
    if (cli !== undefined) this.#follow(cli, true)
    return cli
  }

  /** Keeps the newest connection. One to another process stays open: it may be ending slowly. */
  #follow(cli: HaproxyCli, isSameProcess = false): void {
    const before = this.#current
    this.#current = cli
    if (before === undefined || before.closed) return
    if (isSameProcess) before.close()
    else this.#former.take(before)
  }
}

/** Lines of the map, as many as one command takes. */
function* batches(serialNumbers: Iterable<string>): Generator<string> {
  let lines: string[] = []
  for (const serialNumber of serialNumbers) {
    lines.push(`${key(serialNumber)} 1\n`)
    if (lines.length < linesAtOnce) continue
    yield lines.join('')
    lines = []
  }
  if (lines.length > 0) yield lines.join('')
}

async function addLines(cli: HaproxyCli, map: string, lines: readonly string[]): Promise<void> {
  if (lines.length === 1) return await cli.tell(`add map ${map} ${lines[0]!.trimEnd()}`)
  for (let at = 0; at < lines.length; at += linesAtOnce) await cli.tell(`add map ${map}`, lines.slice(at, at + linesAtOnce).join(''))
}

const switchText = (until: number, token = 0): string => `until ${until}\nloaded ${token}\n`
