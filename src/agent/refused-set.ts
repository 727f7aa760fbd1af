/**
 * Which certificates are refused: those that the lists in force name, and what the feed has added since. The feed can
 * only add; only a signed list takes away. So whatever is repeated, reordered, left out or made up in the feed, nobody
 * gets in who is revoked as far as the lists say.
 */
import { SerialNumbers } from './serial-numbers.ts'
import { listKey, type ListName } from './trust.ts'
import type { VerifiedList } from './verify-list.ts'

/** A revocation as the feed told it. */
export type Addition = { readonly authority: string, readonly serialNumber: string, readonly change: number }

/** What has to be told to a front end. */
export type SetChange = { readonly added: string[], readonly lifted: string[] }

const none = SerialNumbers.of([])

export class RefusedSet {
  readonly #lists = new Map<string, VerifiedList>()
  readonly #additions = new Map<string, Addition>()
  /** How many authorities' additions have a serial number: it is asked of every event. */
  readonly #added = new Map<string, number>()
  #rootName: string
  #partitions: ReadonlyMap<string, number>

  /** @param partitions  of each issuing CA */
  constructor(rootName: string, partitions: ReadonlyMap<string, number>) {
    this.#rootName = rootName
    this.#partitions = partitions
  }

  /** Takes another number of CAs or partitions. Lists of one that is gone stay: they refuse only its certificates. */
  reshape(rootName: string, partitions: ReadonlyMap<string, number>): void {
    this.#rootName = rootName
    this.#partitions = partitions
  }

  /** @returns whether the certificate was not refused before */
  add(addition: Addition): boolean {
    const key = `${addition.authority}/${addition.serialNumber}`
    const known = this.#additions.get(key)
    const before = this.has(addition.serialNumber)
    if (known === undefined || known.change < addition.change) this.#remember(key, addition)
    return !before
  }

  /** Puts a list in force. */
  put(list: VerifiedList): SetChange {
    const key = listKey(list)
    const before = this.#lists.get(key)?.serialNumbers ?? none
    const isIssuing = list.authority !== this.#rootName
    // Its own authority's other lists cannot name them, so only additions and other authorities are asked.
    const others = this.#issuingLists().filter(other => other.authority !== list.authority)
    const added: string[] = []
    if (isIssuing) {
      for (const serialNumber of list.serialNumbers.without(before)) {
        if (!this.#added.has(serialNumber) && !others.some(other => other.serialNumbers.has(serialNumber))) added.push(serialNumber)
      }
    }
    const gone = isIssuing ? [...before.without(list.serialNumbers)] : []
    this.#lists.set(key, list)
    for (const serialNumber of gone) this.#forget(list, serialNumber)
    const settled = this.#settle(list.authority)
    return { added, lifted: [...gone, ...settled].filter(serialNumber => !this.has(serialNumber)) }
  }

  /** A certificate never changes its partition: the list that once named it is the one that can let it go. */
  #forget(list: VerifiedList, serialNumber: string): void {
    const key = `${list.authority}/${serialNumber}`
    const addition = this.#additions.get(key)
    if (addition !== undefined && addition.change <= list.change) this.#drop(key, addition)
  }

  /**
   * Drops additions that the lists have taken over: named by a list that covers them, or older than every list of
   * their authority. Which partition the feed told does not count: if it were wrong, the phone would get in.
   */
  #settle(authority: string): string[] {
    const lists = [...this.#lists.values()].filter(list => list.authority === authority)
    const whole = lists.length >= (this.#partitions.get(authority) ?? Infinity)
    const covered = whole ? Math.min(...lists.map(list => list.change)) : -1
    const dropped: string[] = []
    for (const [key, addition] of this.#additions) {
      if (addition.authority !== authority) continue
      const named = lists.some(list => list.change >= addition.change && list.serialNumbers.has(addition.serialNumber))
      if (!named && addition.change > covered) continue
      this.#drop(key, addition)
      if (!named) dropped.push(addition.serialNumber)
    }
    return dropped
  }

  #remember(key: string, addition: Addition): void {
    if (!this.#additions.has(key)) this.#added.set(addition.serialNumber, (this.#added.get(addition.serialNumber) ?? 0) + 1)
    this.#additions.set(key, addition)
  }

  #drop(key: string, { serialNumber }: Addition): void {
    this.#additions.delete(key)
    const others = (this.#added.get(serialNumber) ?? 1) - 1
    if (others === 0) this.#added.delete(serialNumber)
    else this.#added.set(serialNumber, others)
  }

  has(serialNumber: string): boolean {
    return this.#added.has(serialNumber) || this.#issuingLists().some(list => list.serialNumbers.has(serialNumber))
  }

  /** Every refused serial number once, lower-case hex. */
  * serialNumbers(): Generator<string> {
    for (const list of this.#issuingLists()) yield* list.serialNumbers
    for (const serialNumber of this.#added.keys()) {
      if (!this.#issuingLists().some(list => list.serialNumbers.has(serialNumber))) yield serialNumber
    }
  }

  #issuingLists(): VerifiedList[] {
    return [...this.#lists.values()].filter(list => list.authority !== this.#rootName)
  }

  /** Whether the root has revoked this CA certificate. */
  revokedByRoot(serialNumber: string): boolean {
    if (this.#lists.get(this.#rootName)?.serialNumbers.has(serialNumber) === true) return true
    return this.#additions.has(`${this.#rootName}/${serialNumber}`)
  }

  list(name: ListName): VerifiedList | undefined {
    return this.#lists.get(listKey(name))
  }

  get lists(): VerifiedList[] {
    return [...this.#lists.values()]
  }

  get additions(): Addition[] {
    return [...this.#additions.values()]
  }

  get size(): number {
    let size = 0
    for (const list of this.#issuingLists()) size += list.serialNumbers.size
    return size + this.#additions.size
  }
}
