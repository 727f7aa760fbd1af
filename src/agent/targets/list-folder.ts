/**
 * A folder of lists as OpenSSL looks them up while it runs: `<hash of the issuer's name>.r<n>`, n from 0 without a gap. A
 * program that has read n asks for n + 1 at its next handshake, and of several lists of one scope takes the one with the
 * newest thisUpdate. So a new list is a new file, and one that is written over an old one is seen by nobody.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CaError } from '../../errors.ts'
import { parseCrl } from '../../formats/crl.ts'
import { nameHash } from '../../formats/name-hash.ts'
import { fromPem } from '../../formats/pem.ts'
import { makeFolder, replaceFile } from '../files.ts'

type Placed = { readonly hash: string, readonly number: number, readonly bytes: number }

/** What was replaced stays in the memory of the program that has read it: how much of that is bearable. */
export type MostReplaced = { readonly lists: number, readonly bytes: number }
const bearable: MostReplaced = { lists: 256, bytes: 8 * 1024 * 1024 }

export class ListFolder {
  readonly path: string
  /** By digest of the text. */
  readonly #placed = new Map<string, Placed>()
  #current = new Set<string>()
  readonly #mostReplaced: MostReplaced

  constructor(path: string, mostReplaced: MostReplaced = bearable) {
    this.path = path
    this.#mostReplaced = mostReplaced
  }

  /** Makes the folder, and reads what an earlier process left in it. */
  open(): void {
    makeFolder(this.path, 0o755)
    this.#placed.clear()
    for (const { name, hash, number } of this.#files()) {
      const text = readFileSync(join(this.path, name), 'latin1')
      this.#placed.set(digestOf(text), { hash, number, bytes: text.length })
    }
  }

  /** Adds what is not there. @returns how many lists were new. @throws errors of the file system; {CaError} for what is no list */
  add(pem: Iterable<string>): number {
    const current = new Set<string>()
    let added = 0
    for (const text of pem) {
      const digest = digestOf(text)
      current.add(digest)
      if (this.#placed.has(digest)) continue
      this.#write(digest, text)
      added++
    }
    this.#current = current
    return added
  }

  /** Whether so much was replaced that it is worth a reload to be rid of it, or a file is missing before others. */
  get isCrowded(): boolean {
    const replaced = [...this.#placed].filter(([digest]) => !this.#current.has(digest)).map(([, { bytes }]) => bytes)
    const hasGap = [...this.#counts()].some(([hash, count]) => this.#next(hash) !== count)
    return hasGap || replaced.length > this.#mostReplaced.lists || replaced.reduce((sum, bytes) => sum + bytes, 0) > this.#mostReplaced.bytes
  }

  /**
   * Leaves these alone, from 0 on. Whoever starts meanwhile finds each of them, or one that it replaces beside it; whoever is
   * running sees nothing of it, and has to read everything anew before the next list comes.
   */
  keepOnly(pem: Iterable<string>): void {
    const lowest = new Map<string, number>()
    this.#placed.clear()
    this.#current.clear()
    for (const text of pem) {
      const hash = hashOf(text)
      const number = lowest.get(hash) ?? 0
      this.#writeAs(digestOf(text), text, { hash, number, bytes: text.length })
      this.#current.add(digestOf(text))
      lowest.set(hash, number + 1)
    }
    // From the highest down: with one missing those behind it would not be found.
    for (const { name, hash, number } of this.#files().sort((a, b) => b.number - a.number)) if (number >= (lowest.get(hash) ?? 0)) rmSync(join(this.path, name))
  }

  /** Takes everything away. */
  clear(): void {
    for (const { name } of this.#files()) rmSync(join(this.path, name))
    this.#placed.clear()
    this.#current.clear()
  }

  #write(digest: string, text: string): void {
    const hash = hashOf(text)
    this.#writeAs(digest, text, { hash, number: this.#next(hash), bytes: text.length })
  }

  #writeAs(digest: string, text: string, placed: Placed): void {
    replaceFile(join(this.path, `${placed.hash}.r${placed.number}`), text, { mode: 0o644 })
    this.#placed.set(digest, placed)
  }

  #next(hash: string): number {
    return Math.max(-1, ...[...this.#placed.values()].filter(placed => placed.hash === hash).map(({ number }) => number)) + 1
  }

  #counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { hash } of this.#placed.values()) counts.set(hash, (counts.get(hash) ?? 0) + 1)
    return counts
  }

  #files(): { name: string, hash: string, number: number }[] {
    return readdirSync(this.path).flatMap(name => {
      const [, hash, number] = /^([0-9a-f]{8})\.r(\d{1,9})$/.exec(name) ?? []
      return hash === undefined ? [] : [{ name, hash, number: Number(number) }]
    })
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

function hashOf(text: string): string {
  const [der, ...more] = fromPem(text, 'X509 CRL')
  if (der === undefined || more.length > 0) throw new CaError('malformed-crl', 'a piece of the bundle is not one list')
  return nameHash(parseCrl(der).issuer.raw)
}
