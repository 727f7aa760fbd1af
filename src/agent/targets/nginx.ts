/**
 * nginx: a dictionary of refused serial numbers in memory that all its processes share, asked on every request, and the
 * time until which phones may be let in. Both outlive a reload, and are gone with a restart: then nobody is let in until
 * everything has been loaded. The agent talks to a listener of nginx itself, on a Unix socket.
 */
import { randomInt } from 'node:crypto'
import { rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { textOf, type JsonObject } from '../json.ts'
import { lastSecond, type BundleResult, type Target } from '../target.ts'
import { writeCaFile } from './ca-file.ts'
import { reloadCommand, runCommand } from './command.ts'
import { ListFile } from './list-file.ts'

export type NginxSettings = {
  readonly files: string
  /** Of the listener that only the agent can reach. */
  readonly socket: string
  /** What makes nginx read its files again. */
  readonly reload: readonly string[]
}

export const nginxSettings = (target: JsonObject): NginxSettings =>
  ({ files: textOf(target, 'files'), socket: textOf(target, 'socket'), reload: reloadCommand(target) })

const answerMs = 5_000
// Below client_body_buffer_size of the printed configuration.
const serialsAtOnce = 10_000
// Every reload starts new processes, and old ones live on for their running requests.
const reloadPauseMs = 1_000
// Between the moment at which a socket is there and the one at which somebody listens lies less than one turn.
const refusalsOfNobody = 5

export class NginxTarget implements Target {
  readonly name = 'nginx'
  readonly #settings: NginxSettings
  readonly #now: () => Date
  readonly #lists: ListFile
  #token = 0
  #reloadedAt: Date | undefined
  /** A socket on which nobody listens. */
  #left = { inode: 0, refusals: 0 }

  constructor(settings: NginxSettings, now: () => Date) {
    this.#settings = settings
    this.#now = now
    this.#lists = new ListFile(join(settings.files, 'lists.pem'))
  }

  prepare(ca: string): void {
    writeCaFile(this.#settings.files, ca)
  }

  async version(): Promise<string> {
    return (await this.#ask('GET', '/state')).body
  }

  /**
   * Every number is set to a new generation, and counts already; with the last of them the old generation ends. So nobody
   * is let in meanwhile who must not be, and whoever was lifted is let in at the end.
   */
  async load(serialNumbers: () => Iterable<string>): Promise<void> {
    const generation = (await this.#tell('/begin')).body
    let batch: string[] = []
    const send = async (): Promise<void> => {
      if (batch.length > 0) await this.#tell(`/load?generation=${generation}`, batch)
      batch = []
    }
    for (const serialNumber of serialNumbers()) {
      batch.push(serialNumber)
      if (batch.length >= serialsAtOnce) await send()
    }
    await send()
    const token = randomInt(1, 2 ** 47)
    await this.#tell(`/commit?generation=${generation}&token=${token}`)
    this.#token = token
  }

  async add(serialNumbers: readonly string[]): Promise<boolean> {
    return serialNumbers.length === 0 || await this.#ifLoaded('/add?', serialNumbers)
  }

  async lift(serialNumbers: readonly string[]): Promise<boolean> {
    return serialNumbers.length === 0 || await this.#ifLoaded('/lift?', serialNumbers)
  }

  async fresh(until: Date): Promise<boolean> {
    return await this.#ifLoaded(`/fresh?until=${lastSecond(until)}&`)
  }

  async bundle(pem: Iterable<string>): Promise<BundleResult> {
    if (!this.#lists.write(pem)) return { inForce: true, detail: 'lists are the same' }
    const now = this.#now()
    if (this.#reloadedAt !== undefined && now.getTime() - this.#reloadedAt.getTime() < reloadPauseMs) return { inForce: false, detail: 'a reload was just made' }
    // With nobody there, the lists are on disk for whoever starts next.
    await this.version()
    this.#reloadedAt = now
    await runCommand(this.#settings.reload)
    this.#lists.isInForce()
    return { inForce: true, detail: 'lists are on disk, and nginx was told to reload' }
  }

  /** nginx cannot end what is running: the limits of the printed configuration do. */
  async cut(): Promise<number> {
    return 0
  }

  close(): void {}

  async #ifLoaded(path: string, serialNumbers?: readonly string[]): Promise<boolean> {
    const { status, body } = await this.#ask('POST', `${path}token=${this.#token}`, serialNumbers)
    if (status === 409) return false
    if (status !== 200) throw new Error(`nginx: ${body}`)
    return true
  }

  async #tell(path: string, serialNumbers?: readonly string[]): Promise<{ status: number, body: string }> {
    const answer = await this.#ask('POST', path, serialNumbers)
    if (answer.status !== 200) throw new Error(`nginx: ${answer.body}`)
    return answer
  }

  async #ask(method: string, path: string, serialNumbers?: readonly string[]): Promise<{ status: number, body: string }> {
    try {
      return await this.#exchange(method, path, serialNumbers)
    } catch (error) {
      if ((error as { code?: string }).code === 'ECONNREFUSED') this.#clearLeftSocket()
      throw error
    }
  }

  /** An nginx that was killed leaves its socket, and then no other can start. */
  #clearLeftSocket(): void {
    const { socket } = this.#settings
    const inode = statSync(socket, { throwIfNoEntry: false })?.ino ?? 0
    this.#left = { inode, refusals: this.#left.inode === inode ? this.#left.refusals + 1 : 1 }
    if (this.#left.refusals >= refusalsOfNobody) rmSync(socket, { force: true })
  }

  async #exchange(method: string, path: string, serialNumbers?: readonly string[]): Promise<{ status: number, body: string }> {
    const sent = serialNumbers === undefined ? '' : serialNumbers.map(serialNumber => `${serialNumber.toUpperCase()}\n`).join('')
    return await new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#settings.socket, method, path, agent: false, timeout: answerMs, headers: { 'content-length': sent.length } }, response => {
        let body = ''
        response.setEncoding('latin1')
        response.on('data', (chunk: string) => { body += chunk.slice(0, 1000) })
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, body: body.trim().slice(0, 200) }) })
        response.on('error', reject)
      })
      asked.on('timeout', () => { asked.destroy(new Error('nginx does not answer')) })
      asked.on('error', reject)
      asked.end(sent)
    })
  }
}
