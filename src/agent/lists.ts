/** The signed lists: what is on disk at the start, what is fetched later, and the text that a front end loads. */
import { createHash } from 'node:crypto'
import { toPem } from '../formats/pem.ts'
import type { ListNews } from './feed-events.ts'
import type { StateFolder } from './state.ts'
import { issuerOf, listKey, listsOf, type ListName, type Trust } from './trust.ts'
import { verifyList, type ListMark, type ListVerdict, type VerifiedList } from './verify-list.ts'

export type ListDeps = {
  folder: StateFolder
  trust: () => Trust
  /** Time as the service has it. */
  serviceNow: () => Date
  fetchList: (path: string) => Promise<Buffer>
  /** A verified list. Whoever takes it calls `keep` before it may lift anything. */
  take: (list: VerifiedList, der: Buffer) => void
  refused: (name: ListName, detail: string) => void
  failed: (name: ListName, error: unknown) => void
}

const fetchesAtOnce = 4

export class Lists {
  readonly #deps: ListDeps
  readonly #floors: Map<string, ListMark>
  readonly #loaded = new Set<string>()
  readonly #outstanding = new Map<string, ListName>()
  /** In force, but no longer on the disk as they were verified. */
  readonly #damaged = new Set<string>()
  #fetching: Promise<boolean> | undefined

  constructor(deps: ListDeps, floors: ReadonlyMap<string, ListMark>) {
    this.#deps = deps
    this.#floors = new Map(floors)
  }

  /** The newest of every name that was ever accepted. */
  get floors(): ReadonlyMap<string, ListMark> {
    return this.#floors
  }

  /** Lists on disk that still count. What was damaged or replaced there is told, and fetched anew. */
  * onDisk(): Generator<VerifiedList> {
    for (const name of listsOf(this.#deps.trust())) {
      const der = this.#deps.folder.readList(name)
      if (der === undefined) continue
      const verdict = this.#verify(name, der)
      if (verdict.outcome === 'refused') this.#deps.refused(name, `on disk: ${verdict.fault}: ${verdict.detail}`)
      if (verdict.outcome !== 'verified') continue
      this.#accept(verdict.list)
      yield verdict.list
    }
    this.wantMissing()
  }

  wantMissing(): void {
    for (const name of this.missing) this.want(name)
  }

  want({ authority, partition }: ListName): void {
    this.#outstanding.set(listKey({ authority, partition }), { authority, partition })
  }

  /** Notes which of these are not at hand. */
  hear(news: readonly ListNews[]): void {
    for (const item of news) if (this.#floors.get(listKey(item))?.sha256 !== item.sha256) this.want(item)
  }

  /** Lists that are known of and not in force: not fetched, or refused. */
  get outstanding(): number {
    return this.#outstanding.size
  }

  /** Fetches what is outstanding; what fails stays so. @returns whether another list is in force now */
  async fetch(): Promise<boolean> {
    while (this.#fetching !== undefined) await this.#fetching
    if (this.#outstanding.size === 0) return false
    this.#fetching = this.#fetchAll([...this.#outstanding.values()]).finally(() => { this.#fetching = undefined })
    return await this.#fetching
  }

  async settled(): Promise<void> {
    await this.#fetching
  }

  async #fetchAll(names: ListName[]): Promise<boolean> {
    let changed = false
    const worker = async (): Promise<void> => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        if (await this.#fetchOne(name)) changed = true
      }
    }
    await Promise.all(Array.from({ length: fetchesAtOnce }, worker))
    return changed
  }

  async #fetchOne(name: ListName): Promise<boolean> {
    try {
      const der = await this.#deps.fetchList(this.path(name))
      const verdict = this.#verify(name, der)
      if (verdict.outcome === 'refused') {
        this.#deps.refused(name, `${verdict.fault}: ${verdict.detail}`)
        return false
      }
      this.#outstanding.delete(listKey(name))
      if (verdict.outcome === 'verified') this.#deps.take(verdict.list, der)
      return verdict.outcome === 'verified'
    } catch (error) {
      this.#deps.failed(name, error)
      return false
    }
  }

  /** Written first: what lifts must still be known after a restart. @throws when the disk does not take it */
  keep(list: VerifiedList, der: Buffer): void {
    this.#deps.folder.writeList(list, der)
    this.#accept(list)
  }

  path(name: ListName): string {
    return name.partition === null ? `/crl/${name.authority}.crl` : `/crl/${name.authority}/${name.partition}.crl`
  }

  get missing(): ListName[] {
    return listsOf(this.#deps.trust()).filter(name => !this.#loaded.has(listKey(name)))
  }

  /** The root's list and every partition, never a delta or a complete list of an issuing CA beside them. */
  bundle(): Iterable<string> {
    const { trust } = this.#deps
    const read = (name: ListName): Buffer => this.#readIntact(name)
    // Read each time somebody walks through them, so that they are never all in memory.
    return { * [Symbol.iterator]() { for (const name of listsOf(trust())) yield toPem('X509 CRL', read(name)) } }
  }

  /** A front end gets what was verified, and not what has become of it on the disk: there are some that end over it. */
  #readIntact(name: ListName): Buffer {
    const [key, der] = [listKey(name), this.#deps.folder.readList(name)]
    if (der !== undefined && createHash('sha256').update(der).digest('hex') === this.#floors.get(key)?.sha256) return der
    this.#damaged.add(key)
    this.want(name)
    throw new Error(`the list ${key} was damaged on the disk, and is fetched anew`)
  }

  #accept({ crlNumber, sha256, thisUpdate, change, ...name }: VerifiedList): void {
    this.#floors.set(listKey(name), { crlNumber, sha256, thisUpdate, change })
    this.#loaded.add(listKey(name))
    this.#damaged.delete(listKey(name))
  }

  #verify(name: ListName, der: Buffer): ListVerdict {
    const issuer = issuerOf(this.#deps.trust(), name)
    if (issuer === undefined) return { outcome: 'refused', fault: 'wrong-scope', detail: `nobody here knows ${listKey(name)}` }
    const key = listKey(name)
    return verifyList(der, { name, issuer, floor: this.#floors.get(key), loaded: this.#loaded.has(key) && !this.#damaged.has(key), now: this.#deps.serviceNow() })
  }
}
