/**
 * stunnel: a folder of signed lists that it reads at every handshake, and nothing else. It sees no requests, so that only a
 * new connection is refused; a certificate is refused once a list has it; and nobody can tell it until when to let phones
 * in. Where the agent may not let anybody in any more, it takes the lists away and has stunnel forget them: without
 * a list stunnel refuses everybody. An agent that is gone cannot do that; then the lists' own end is the limit.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { textOf, type JsonObject } from '../json.ts'
import type { BundleResult, Target } from '../target.ts'
import { writeCaFile } from './ca-file.ts'
import { reloadCommand, runCommand } from './command.ts'
import { ListFolder, type MostReplaced } from './list-folder.ts'

export type StunnelSettings = {
  readonly files: string
  /** The file with the number of its process. */
  readonly pid: string
  /** What makes stunnel read its files again, and forget what it has read. */
  readonly reload: readonly string[]
}

export const stunnelSettings = (target: JsonObject): StunnelSettings =>
  ({ files: textOf(target, 'files'), pid: textOf(target, 'pid'), reload: reloadCommand(target) })

// A reload binds the address anew, and a connection that comes just then is lost.
const reloadPauseMs = 1_000

export class StunnelTarget implements Target {
  readonly name = 'stunnel'
  readonly knowsListsOnly = true
  readonly proof = 'handshake'
  readonly #settings: StunnelSettings
  readonly #now: () => Date
  readonly #lists: ListFolder
  /** What is to be in the folder; read anew each time. */
  #bundle: Iterable<string> | undefined
  /** Undefined until this process knows. */
  #isOpen: boolean | undefined
  #reloadDue = false
  #reloadedAt: Date | undefined

  constructor(settings: StunnelSettings, now: () => Date, mostReplaced?: MostReplaced) {
    this.#settings = settings
    this.#now = now
    this.#lists = new ListFolder(join(settings.files, 'lists'), mostReplaced)
  }

  prepare(ca: string): void {
    if (writeCaFile(this.#settings.files, ca)) this.#reloadDue = true
    this.#lists.open()
  }

  async version(): Promise<string> {
    return `process ${this.#process()}`
  }

  async load(): Promise<void> {}

  async add(): Promise<boolean> {
    return true
  }

  async lift(): Promise<boolean> {
    return true
  }

  async fresh(until: Date): Promise<boolean> {
    if (until > this.#now()) await this.#letIn()
    else await this.#refuseAll()
    this.#process()
    return true
  }

  async bundle(pem: Iterable<string>): Promise<BundleResult> {
    this.#bundle = pem
    if (this.#isOpen !== true) return { inForce: this.#isOpen === false, detail: 'everybody is refused, without any list' }
    const added = this.#lists.add(pem)
    if (this.#lists.isCrowded) {
      // Noted first: a list that comes after this is seen only by a process that has begun anew.
      this.#reloadDue = true
      this.#lists.keepOnly(pem)
    }
    if (!this.#reloadDue) return { inForce: true, detail: `${added} new lists are in the folder` }
    await this.#reload()
    return { inForce: true, detail: 'the folder was tidied, and stunnel was told to reload' }
  }

  /** stunnel cannot end what is open for one certificate: TIMEOUTidle of the printed configuration ends what is idle. */
  async cut(): Promise<number> {
    return 0
  }

  close(): void {}

  async #letIn(): Promise<void> {
    if (this.#isOpen === true) return
    // A process without lists looks for the first of them at every handshake.
    if (this.#bundle !== undefined) this.#lists.add(this.#bundle)
    this.#isOpen = true
  }

  async #refuseAll(): Promise<void> {
    if (this.#isOpen === false) return
    this.#isOpen = undefined
    this.#lists.clear()
    await this.#reload()
    this.#isOpen = false
  }

  async #reload(): Promise<void> {
    const now = this.#now()
    if (this.#reloadedAt !== undefined && Math.abs(now.getTime() - this.#reloadedAt.getTime()) < reloadPauseMs) throw new Error('stunnel was just told to reload')
    this.#reloadedAt = now
    await runCommand(this.#settings.reload)
    this.#reloadDue = false
  }

  /** @throws when it is not running */
  #process(): number {
    const text = readFileSync(this.#settings.pid, 'latin1').trim()
    if (!/^[1-9]\d{0,9}$/.test(text)) throw new Error(`${this.#settings.pid} holds no process number`)
    try {
      process.kill(Number(text), 0)
    } catch (error) {
      // Somebody else's process, and so there.
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw new Error('stunnel is not running', { cause: error })
    }
    return Number(text)
  }
}
